import { expect, it } from 'vitest'
import { refine } from '../../src/target/refine.ts'
import type { Choice } from '../../src/target/search.ts'
import { random } from '../../src/util/random.ts'

/** Three tensors of which two are to be pruned, the two that count least. */
const names = ['a', 'b', 'c']
const search = async (losses: ReadonlyMap<string, readonly number[]>): Promise<Choice> => {
  const spared = names.toSorted((x, y) => losses.get(y)![1] - losses.get(x)![1])[0]
  const levels = new Map(names.map((name) => [name, Number(name !== spared)]))
  return { levels, sparsities: new Map(), loss: 0 }
}
const losses = (...values: number[]) => new Map(names.map((name, i) => [name, [0, values[i]]]))
/** What tensors really lose: a and b together far more than each alone. */
const judge = async ({ levels }: Choice) => {
  const [a, b, c] = names.map((name) => levels.get(name)!)
  return a + 2 * b + 4 * c + 10 * a * b
}
const measured = losses(1, 2, 4)
const options = { losses: measured, others: [], tries: 12, draw: random(1, 'refine'), search, judge }

it('finds the pair that loses least together, which the sum of losses does not', async () => {
  const first = await search(measured)
  expect(await judge(first)).toBe(13)
  const least: number[] = []
  const {
    choice: best,
    losses: found,
    loss,
  } = await refine(first, { ...options, onTry: (_, loss) => least.push(loss) })
  expect([...best.levels]).toEqual([
    ['a', 1],
    ['b', 0],
    ['c', 1],
  ])
  expect([await judge(best), loss]).toEqual([5, 5])
  expect((await search(found)).levels).toEqual(best.levels)
  expect(least).toHaveLength(12)
  expect(least).toEqual(least.toSorted((x, y) => y - x))
})

it('tries the other problems that it is given, and keeps the first where none is better', async () => {
  const first = await search(measured)
  const { choice: other } = await refine(first, { ...options, others: [losses(4, 2, 1)], tries: 2 })
  expect(await judge(other)).toBe(6)
  const { choice: only } = await refine(first, { ...options, tries: 1 })
  expect(only).toBe(first)
  const { choice: none } = await refine(first, { ...options, search: async () => undefined })
  expect(none).toBe(first)
})

it('judges no choice twice', async () => {
  let judged = 0
  const counting = async (choice: Choice) => {
    judged++
    return judge(choice)
  }
  await refine(await search(measured), { ...options, draw: random(1, 'refine'), tries: 40, judge: counting })
  expect(judged).toBe(3)
})
