/** Edit distance (Levenshtein), for "did you mean". */
const distance = (left: string, right: string): number => {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + change,
        ),
      )
    }
    previous = current
  }
  return previous[right.length] ?? 0
}

/** The known name that is nearest to a mistyped one. */
export const nearest = (name: string, known: readonly string[]): string | undefined =>
  [...known].sort((a, b) => distance(name, a) - distance(name, b))[0]
