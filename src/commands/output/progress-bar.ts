/** What the progress displays of long commands share (DESIGN.md §5). */

/** A terminal shows a change this soon; other readers keep every line. */
export const BAR_EVERY_MS = 200
export const LINE_EVERY_MS = 5_000
/** Back to the first column, and whatever is in the line goes. */
export const CLEAR_LINE = '\r\u001b[K'

const BAR_CELLS = 24

/** `share`: 0 to 1. */
export const barOf = (share: number): string => {
  const filled = Math.round(share * BAR_CELLS)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`
}
