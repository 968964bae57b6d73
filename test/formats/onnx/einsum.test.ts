import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { prunableParameters } from '../../../src/graph/graph.ts'
import { modelBytes, type Stored } from './models.ts'
import { expectOutputs, here } from './outputs.ts'
import { normal } from './same.ts'

const sizes: Record<string, number> = { a: 2, b: 3, c: 4, d: 5, i: 3, j: 4, k: 5, n: 2, h: 3 }
const shapeOf = (term: string) => [...term.replace('...', 'ab')].filter((x) => x !== ' ').map((label) => sizes[label])
const floats = (shape: readonly number[], seed: string): Stored => ({ shape, values: normal(shape, seed) })

/** y of operands x0, x1, ... of which some are stored. */
const model = (equation: string, stored: readonly number[] = []) => {
  const terms = equation.split('->')[0].split(',')
  const names = terms.map((_, i) => `x${i}`)
  const entries = terms.map((term, i) => [names[i], shapeOf(term)] as const)
  return modelBytes({
    inputs: Object.fromEntries(entries.filter((_, i) => !stored.includes(i))),
    stored: Object.fromEntries(
      entries.filter((_, i) => stored.includes(i)).map(([name, shape]) => [name, floats(shape, name)]),
    ),
    steps: [{ op: 'Einsum', in: names, out: 'y', with: { equation } }],
    outputs: ['y'],
  })
}
const batchOf = (equation: string) => shapeOf(equation.split(/->|,/)[0])[0]

const equations = [
  'ij->ji',
  'ij->',
  'ijk->ik',
  'ij',
  'ji',
  'kk->k',
  'iji->j',
  'jiik->ki',
  '...i->...',
  '...ij->...ji',
  'k...->...',
  'ij,jk->ik',
  'ij,kj->ki',
  'ij,jk',
  'i,j->ij',
  'i,i->',
  'ij,ij->ij',
  'ij,ij->',
  'bij,bjk->bik',
  'bij,bkj->bki',
  'bijc,bkc->bijk',
  'abij,abjk->bkia',
  'ijk,k->ij',
  'ii,ij->j',
  '...ij,...jk->...ik',
  'a...,...b->b...a',
  'ij,jk,kd->id',
  'bi,bj,bk->ijk',
  ' i j , j k -> k i ',
]

describe('Einsum', () => {
  it.each(equations)('%s', (equation) => expectOutputs(model(equation), {}, batchOf(equation)))

  it('refuses what is no equation of its operands', () => {
    const say = (equation: string, terms: string[]) => () =>
      here(
        modelBytes({
          inputs: Object.fromEntries(terms.map((term, i) => [`x${i}`, shapeOf(term)])),
          steps: [{ op: 'Einsum', in: terms.map((_, i) => `x${i}`), out: 'y', with: { equation } }],
          outputs: ['y'],
        }),
        {},
        sizes[terms[0][0]],
      )
    expect(say('ij->ik', ['ij'])).toThrow(
      'm.onnx: node y (Einsum): its equation ij->ik gives ik, expected labels of its operands, once each',
    )
    expect(say('ijk->i', ['ij'])).toThrow('its equation ijk->i has ijk for an operand of 2 axes')
    expect(say('ij,jk->ik', ['ij'])).toThrow('its equation ij,jk->ik is of 2 operands, found 1')
    expect(say('i-j->i', ['ij'])).toThrow('its equation i-j->i is not one')
  })
})

describe('Einsum with a stored operand', () => {
  const layers: [string, number, number[] | undefined][] = [
    ['ij,jk->ik', 1, [5, 4]],
    ['ij,kj->ik', 1, [5, 4]],
    ['ij,kj->ki', 1, [5, 4]],
    ['kj,ij->ik', 0, [5, 4]],
    ['bcd,dnh->bcnh', 1, [6, 5, 1, 1]],
    ['bcnh,nhd->bcd', 1, [5, 6, 1, 1]],
    ['bcnh,dnh->bcd', 1, [5, 6, 1, 1]],
    ['bij,bjk->bik', 1, undefined],
    ['ij,jk->', 1, undefined],
  ]
  it.each(layers)('%s', async (equation, stored, weight) => {
    const bytes = model(equation, [stored])
    const batch = sizes[equation.split(/,|->/)[1 - stored][0]]
    await expectOutputs(bytes, {}, batch)
    const { graph, origins } = wholeNetwork(parseOnnx(bytes, 'm.onnx'), {}, batch)
    const weights = prunableParameters(graph)
    const name = `x${stored}`
    if (!weight) return expect(weights.map((one) => one.name)).not.toContain(name)
    const [found] = weights
    expect(found.name).toBe(name)
    expect(found.shape.slice(0, 2)).toEqual(weight.slice(0, 2))
    expect(origins.get(name)?.source?.key).toBe(name)
  })
})
