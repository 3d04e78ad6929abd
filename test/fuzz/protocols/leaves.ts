/** Values laid flat: every text with the path that leads to it, spelled without case. */

export type Leaves = Map<string, string>

const add = (leaves: Leaves, path: string, value: unknown): void => {
  if (value === null || value === undefined) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) add(leaves, `${path}/${index}`, item)
  } else if (typeof value === 'object') {
    for (const [key, item] of Object.entries(value))
      add(leaves, `${path}/${key.toLowerCase()}`, item)
  } else leaves.set(path, String(value))
}

export const leavesOf = (value: unknown): Leaves => {
  const leaves: Leaves = new Map()
  add(leaves, '', value)
  return leaves
}
