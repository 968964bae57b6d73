import { describe, expect, it } from 'vitest'
import { recurrenceOf, statesOf } from '../../src/train/recurrence.ts'

const part = (name: string, ...shape: number[]) => ({ name, shape })
const sound = part('input', 576)

describe('states', () => {
  it.each([
    ['one', [sound, part('state', 2, 128)], [part('output', 1), part('stateN', 2, 1, 128)], ['state stateN']],
    [
      'two of one shape, in their order',
      [sound, part('h', 2, 64), part('c', 2, 64)],
      [part('output', 1), part('hn', 2, 64), part('cn', 2, 64)],
      ['h hn', 'c cn'],
    ],
    [
      'beside sound that gives sound',
      [sound, part('a', 8), part('b', 9)],
      [part('better', 576), part('b2', 9), part('a2', 8)],
      ['a a2', 'b b2'],
    ],
    ['of the shape of the sound', [sound, part('last', 576)], [part('better', 576), part('kept', 576)], ['last kept']],
    ['before the sound', [part('state', 4), sound], [part('y', 1), part('after', 4)], ['state after']],
    ['none without an output of its shape', [sound, part('state', 4)], [part('y', 1)], []],
    ['none of two that one output could be', [sound, part('a', 4), part('b', 4)], [part('y', 4)], []],
    ['none where more outputs have its shape', [sound, part('a', 4)], [part('x', 4), part('y', 4)], []],
    ['none of one input', [sound], [part('y', 576)], []],
    ['none of tokens', [{ ...part('ids', 4), whole: true }, part('a', 5)], [part('y', 5)], []],
  ])('%s', (_, inputs, outputs, expected) => {
    expect(statesOf({ inputs, outputs }).map(({ input, output }) => `${input} ${output}`)).toEqual(expected)
  })

  it('none of a classifier, whose outputs are scores', () => {
    expect(statesOf({ inputs: [sound, part('a', 4)] })).toEqual([])
  })
})

it('every stretch has the state after the one before, and zeros where a file begins', async () => {
  const model = { inputs: [part('x', 2), part('h', 1)], outputs: [part('y', 2), part('hN', 1)] }
  const seen: number[][] = []
  const found = recurrenceOf(model, (row) => {
    seen.push([...row])
    return Float32Array.of(-1, -2, row[2] + row[0] + 10 * row[1])
  })!
  expect(found.states).toEqual(['h'])
  expect(found.note).toBe('states are those after the stretch of sound before (h from hN), zeros where a file begins')
  const rows = Float32Array.from([1, 2, 0, 3, 4, 0, 5, 6, 0, 7, 8, 0])
  await found.fill(rows, new Set([1, 3]))
  expect([...rows]).toEqual([1, 2, 0, 3, 4, 21, 5, 6, 0, 7, 8, 65])
  expect(seen).toEqual([
    [1, 2, 0],
    [5, 6, 0],
  ])
})
