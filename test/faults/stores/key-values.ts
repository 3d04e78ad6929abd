/** What may be read of a key after changes of which some have no known outcome. */

export interface KeyFact {
  readonly key: string
  /** Null: removed. */
  readonly value: number | null
  readonly outcome: 'tried' | 'done' | 'refused'
}

/** The last acknowledged value, or any that was tried after it and not refused. */
export const possibleValues = (facts: readonly KeyFact[], key: string): Set<number | null> => {
  let values = new Set<number | null>([null])
  const open = new Set<number | null>()
  for (const fact of facts.filter((each) => each.key === key)) {
    if (fact.outcome === 'tried') open.add(fact.value)
    if (fact.outcome === 'refused') open.delete(fact.value)
    if (fact.outcome !== 'done') continue
    values = new Set([fact.value])
    open.clear()
  }
  return new Set([...values, ...open])
}

export const keyFactsOf = (told: readonly string[]): KeyFact[] =>
  told.map((fact) => JSON.parse(fact) as KeyFact)

/** Tells how one change went; an error that `isRefusal` knows says that nothing was changed. */
export const changeKey = async (
  tell: (fact: string) => void,
  change: { readonly key: string; readonly value: number | null },
  work: () => Promise<unknown>,
  isRefusal: (error: unknown) => boolean = () => false,
): Promise<void> => {
  const fact = (outcome: KeyFact['outcome']): void => tell(JSON.stringify({ ...change, outcome }))
  fact('tried')
  try {
    await work()
    fact('done')
  } catch (error) {
    if (isRefusal(error)) fact('refused') // anything else: the outcome is not known
  }
}
