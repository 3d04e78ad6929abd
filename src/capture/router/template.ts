/**
 * URI templates of REST operations, matched on the path as it was sent: labels may hold encoded
 * slashes and whole ARNs, so nothing is decoded before it is cut (reference/capture.md §2).
 */
import { decodePercent } from '../record/wire/form.ts'

type Segment = { readonly literal: string } | { readonly label: string; readonly greedy: boolean }

export interface Template {
  readonly segments: readonly Segment[]
  /** Query keys, with their value where the template gives one, that must be there. */
  readonly query: readonly (readonly [key: string, value: string | undefined])[]
  readonly literals: number
  /** Position of the label that takes the rest, or -1. */
  readonly greedyAt: number
}

const segmentOf = (text: string): Segment =>
  text.startsWith('{')
    ? { label: text.replace(/[{}+]/g, ''), greedy: text.endsWith('+}') }
    : { literal: text }

const compile = (uri: string): Template => {
  const [path = '/', query = ''] = uri.split('?')
  const segments = pathSegments(path).map(segmentOf)
  return {
    segments,
    query: query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=')
        return at < 0 ? [part, undefined] : [part.slice(0, at), part.slice(at + 1)]
      }),
    literals: segments.filter((segment) => 'literal' in segment).length,
    greedyAt: segments.findIndex((segment) => 'label' in segment && segment.greedy),
  }
}

const compiled = new Map<string, Template>()

/** Compiled once per template; there are as many as operations. */
export const templateOf = (uri: string): Template => {
  let template = compiled.get(uri)
  if (template === undefined) {
    template = compile(uri)
    compiled.set(uri, template)
  }
  return template
}

/** Without the empty part in front, and without one behind: some SDKs drop the last slash. */
export const pathSegments = (rawPath: string): string[] => {
  const segments = rawPath.split('/')
  segments.shift()
  if (segments.length > 0 && segments.at(-1) === '') segments.pop()
  return segments
}

const matchesOne = (segment: Segment | undefined, text: string | undefined): boolean =>
  segment !== undefined &&
  text !== undefined &&
  ('literal' in segment ? segment.literal === text : text !== '')

/** True where the path has the template's form. */
export const matchesPath = (template: Template, path: readonly string[]): boolean => {
  const { segments, greedyAt } = template
  if (greedyAt < 0) {
    return (
      segments.length === path.length &&
      segments.every((segment, index) => matchesOne(segment, path[index]))
    )
  }
  const behind = segments.length - greedyAt - 1
  if (path.length < segments.length) return false
  for (let index = 0; index < greedyAt; index++) {
    if (!matchesOne(segments[index], path[index])) return false
  }
  for (let index = 1; index <= behind; index++) {
    if (!matchesOne(segments.at(-index), path.at(-index))) return false
  }
  return true
}

/** The labels of a path that matches, decoded. */
export const labelsOf = (template: Template, rawPath: string): Map<string, string> => {
  const path = pathSegments(rawPath)
  const labels = new Map<string, string>()
  if (!matchesPath(template, path)) return labels
  const extra = path.length - template.segments.length
  let at = 0
  for (const segment of template.segments) {
    const width = 'label' in segment && segment.greedy ? extra + 1 : 1
    if ('label' in segment) {
      labels.set(segment.label, decodePercent(path.slice(at, at + width).join('/')))
    }
    at += width
  }
  return labels
}
