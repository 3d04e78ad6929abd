/**
 * node scripts/generate-catalogue.ts MODELS [--check]
 *
 * Writes the capture catalogue from the AWS service models in the folder MODELS and IAM's access
 * levels. With --check nothing is written: exit 1 says that it is stale. Without the models the
 * check is skipped, loudly, with exit 0.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { CATALOGUE_VERSION, type CatalogueIndex } from '../src/capture/catalogue/format.ts'
import { type CatalogueEntry, compactService } from './catalogue/compact-service.ts'
import { readService } from './catalogue/model.ts'
import { SERVICES } from './catalogue/services.ts'

const OUTPUT = join(
  ...[dirname(fileURLToPath(import.meta.url)), '..', 'src', 'capture', 'catalogue'],
  'catalogue.generated.ndjson.br',
)

/** The catalogue's text, or the names of the models that the folder lacks. */
export const generateCatalogue = async (folder: string): Promise<string | string[]> => {
  const missing: string[] = []
  const entries: CatalogueEntry[] = []
  for (const name of SERVICES) {
    const model = readService(folder, name)
    if (model === undefined) missing.push(name)
    else entries.push(await compactService(name, model))
  }
  if (missing.length > 0) return missing
  const index: CatalogueIndex = {
    version: CATALOGUE_VERSION,
    services: entries.map((entry) => entry.index),
  }
  return [index, ...entries.map((entry) => entry.service)]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('')
}

const compress = (text: string): Buffer =>
  brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(text),
    },
  })

/** The text of the committed catalogue: compressors may differ between versions of Node. */
const committed = (): string => {
  try {
    return brotliDecompressSync(readFileSync(OUTPUT)).toString('utf8')
  } catch {
    // Absent or unreadable is as good as stale.
    return ''
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  const check = args.includes('--check')
  const folder = args.find((argument) => !argument.startsWith('--'))
  if (folder === undefined) {
    console.error('usage: node scripts/generate-catalogue.ts MODELS [--check]')
    return 2
  }
  const text = await generateCatalogue(folder)
  if (typeof text !== 'string') {
    console.error(`SKIPPED: ${folder} lacks the models of ${text.join(', ')}`)
    return check ? 0 : 2
  }
  const stale = committed() !== text
  if (check) {
    if (stale) console.error('stale: src/capture/catalogue/catalogue.generated.ndjson.br')
    return stale ? 1 : 0
  }
  const bytes = compress(text)
  if (stale) writeFileSync(OUTPUT, bytes)
  console.error(`${text.length} characters, ${bytes.length} bytes${stale ? '' : ', unchanged'}`)
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
