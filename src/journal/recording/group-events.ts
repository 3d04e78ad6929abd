import { FRAME_ENTRIES_MAX, FRAME_GROUP_BYTES_MAX } from '../frame-codec.ts'

/**
 * Splits what goes into one shard into frames of at most 1 MB of text, in order; one larger event has
 * a frame of its own.
 */
export const groupEvents = <Item extends { readonly text: Buffer }>(
  items: readonly Item[],
): Item[][] => {
  const groups: Item[][] = []
  let group: Item[] = []
  let bytes = 0
  for (const item of items) {
    const full =
      bytes + item.text.length > FRAME_GROUP_BYTES_MAX || group.length >= FRAME_ENTRIES_MAX
    if (group.length > 0 && full) {
      groups.push(group)
      group = []
      bytes = 0
    }
    group.push(item)
    bytes += item.text.length
  }
  if (group.length > 0) groups.push(group)
  return groups
}
