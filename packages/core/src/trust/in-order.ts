/** Looks at a part of the log, and returns what says so: it is called in the order of the parts. */
export type Part = () => Promise<() => void>

/** So many parts at a time, each as soon as there is room for it. */
export async function inOrder(count: number, parts: AsyncGenerator<Part>): Promise<void> {
  let turn = Promise.resolve()
  const work = async () => {
    for (;;) {
      const next = await parts.next()
      if (next.done) return
      const part = next.value()
      turn = Promise.all([part, turn]).then(([say]) => say())
      turn.catch(() => parts.return(undefined))
      await part
    }
  }
  await Promise.all(Array.from({ length: count }, work))
  await turn
}
