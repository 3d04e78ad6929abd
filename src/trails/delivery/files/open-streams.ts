import type { SealedEvent } from '../../../event/sealed-event.ts'
import { folderOf, type LogFolder } from './object-key.ts'
import type { OpenStream } from './window.ts'

type ByFolder = Map<LogFolder, OpenStream>
type ByRegion = Map<string, ByFolder>
type ByAccount = Map<string, ByRegion>

const child = <Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/**
 * The streams of a shard by (incarnation, account, region, folder). Maps in maps, because this is
 * asked for every event, and making one text of the four would cost more than the look-ups.
 */
export class OpenStreams {
  readonly #all: OpenStream[] = []
  readonly #byIncarnation = new Map<string, ByAccount>()

  get(
    incarnation: string,
    { account, region, category }: Pick<SealedEvent, 'account' | 'region' | 'category'>,
  ): OpenStream | undefined {
    const byRegion = this.#byIncarnation.get(incarnation)?.get(account)
    return byRegion?.get(region)?.get(folderOf(category))
  }

  /** In place of one that is there already. */
  add(incarnation: string, stream: OpenStream): void {
    const { account, region, folder } = stream
    const byAccount = child(this.#byIncarnation, incarnation, (): ByAccount => new Map())
    const byRegion = child(byAccount, account, (): ByRegion => new Map())
    const byFolder = child(byRegion, region, (): ByFolder => new Map())
    const before = byFolder.get(folder)
    if (before === undefined) this.#all.push(stream)
    else this.#all.splice(this.#all.indexOf(before), 1, stream)
    byFolder.set(folder, stream)
  }

  values(): readonly OpenStream[] {
    return this.#all
  }
}
