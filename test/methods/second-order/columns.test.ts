/**
 * @file Gradient columns, stored, of rank one, and some of either, against their gradients. Errors are
 * bounded entry by entry: a sum of n terms in float64 is right to n roundings of the sum of their absolute
 * values.
 */
import { expect, it } from 'vitest'
import type { Machine } from '../../../src/engine/machine.ts'
import { Workspace } from '../../../src/linear/workspace.ts'
import type { GramColumns } from '../../../src/methods/second-order/fisher/columns.ts'
import { solverRoom } from '../../../src/methods/second-order/fisher/inverse.ts'
import { RankOneColumns, rankOneRoom } from '../../../src/methods/second-order/fisher/rank-one-columns.ts'
import { columnsCase, randomMasks, worstError } from '../../support/columns-case.ts'
import { onEveryEngine } from '../../support/engines.ts'

type Rows = readonly (readonly number[])[]

/** A sum of so many terms, and the error allowed in it. */
function sum(count: number, term: (i: number) => number) {
  let [want, size] = [0, 0]
  for (let i = 0; i < count; i++) {
    const x = term(i)
    want += x
    size += Math.abs(x)
  }
  return { want, allowed: Number.EPSILON * (count + 2) * size }
}

/** An element of the symmetric matrix of quadratic forms. */
const element = (i: number, j: number) => Math.cos(Math.max(i, j) + 3 * Math.min(i, j))

/**
 * What every operation of columns is to give whose gradients are `rows`: sample, weight. The Gram matrix of
 * most of a layer may be that of all, less the others: its roundings are those of all.
 */
function reference(rows: Rows, layer = rows) {
  const samples = rows.length
  const columns = rows[0].map((_, q) => rows.map((row) => row[q]))
  const v = Float64Array.from(rows, (_, i) => Math.cos(i))
  const x = Float64Array.from(columns, (_, q) => (q % 3 ? Math.sin(q) : 0))
  const pairs: [number, number][] = []
  for (let i = 0; i < samples; i += Math.ceil(samples / 40)) for (let j = 0; j <= i; j++) pairs.push([i, j])
  return {
    samples,
    columns,
    v,
    x,
    pairs,
    dots: columns.map((g) => sum(samples, (i) => g[i] * v[i])),
    squares: columns.map((g) => sum(samples, (i) => g[i] ** 2)),
    images: rows.map((row, i) => sum(row.length + 1, (q) => (q < row.length ? x[q] * row[q] : v[i]))),
    grams: pairs.map(([i, j]) => {
      const of = (all: Rows) => sum(all[i].length + 1, (q) => (q < all[i].length ? all[i][q] * all[j][q] : 1))
      return { want: of(rows).want, allowed: of(layer).allowed }
    }),
    forms: columns.map((g) =>
      sum(samples ** 2, (at) => {
        const [i, j] = [Math.floor(at / samples), at % samples]
        return g[i] * element(i, j) * g[j]
      }),
    ),
  }
}

function check(space: Workspace, columns: GramColumns, expected: ReturnType<typeof reference>): void {
  const { size, samples } = columns
  const { v, x, pairs } = expected
  expect([samples, size]).toEqual([expected.samples, expected.columns.length])
  const agree = (got: ArrayLike<number>, sums: readonly ReturnType<typeof sum>[]) => {
    const error = worstError(
      got,
      sums.map(({ want }) => want),
      sums.map(({ allowed }) => allowed),
    )
    expect(error).toBeLessThanOrEqual(1)
  }

  const [exact, rounded] = [new Float64Array(samples), new Float32Array(samples)]
  for (const [q, column] of expected.columns.entries()) {
    columns.column(q, exact)
    expect([...exact]).toEqual(column)
    columns.column(q, rounded)
    expect([...rounded]).toEqual(column.map(Math.fround))
  }
  const got = new Float64Array(size)
  columns.correlate(v, got)
  agree(got, expected.dots)
  columns.squares(got)
  agree(got, expected.squares)
  // What was there before is added to.
  const into = v.slice()
  columns.combine(x, into)
  agree(into, expected.images)
  space.scoped(() => {
    const k = space.matrix(samples, samples)
    space.values(k).fill(1)
    columns.addGram(k)
    agree(
      pairs.map(([i, j]) => space.row(k, i)[j]),
      expected.grams,
    )
    if (!columns.quadraticForms) return
    for (let i = 0; i < samples; i++)
      for (let j = 0; j < samples; j++) space.row(k, i)[j] = j <= i ? element(i, j) : Number.NaN
    const forms = new Float64Array(size).fill(7)
    columns.quadraticForms.compute(k, forms)
    agree(forms, expected.forms)
  })
}

onEveryEngine((machines) => {
  // With 450 samples, also those where a row of a layer is not zero are more than are multiplied at once.
  it.each([
    [1, 4, 7],
    [2, 4, 7],
    [7, 4, 7],
    [60, 4, 7],
    [450, 2, 4],
  ])('stored and rank-one columns are those of their gradients, %i samples', (samples, p, q) => {
    const known = columnsCase(machines[0], samples, samples, p, q)
    const own = (rows: readonly Float64Array[]) => reference(rows.map((row) => [...row.subarray(0, p * q)]))
    const [exact, rounded] = [own(known.g), own(known.rounded)]
    for (const machine of machines) {
      const { space, rankOne, copy } = columnsCase(machine, samples, samples, p, q)
      check(space, rankOne, exact)
      check(space, copy, rounded)
    }
  })

  // Few of the weights, some of them, most of them; and some of those again. Some rows of the layer have
  // none.
  it.each([0, 0.1, 0.3, 0.6, 0.9, 1])('some of the columns, %f of them', (share) => {
    const make = (machine: Machine) => columnsCase(machine, 3, 40, 4, 20)
    const known = make(machines[0])
    const [mask, again] = [1, 2].map((seed) => randomMasks(seed, [80], share)[0])
    if (share < 1) mask.fill(0, 15, 45)
    const weights = Int32Array.from(mask.keys()).filter((q) => mask[q])
    const inner = Int32Array.from(weights.keys()).filter((i) => again[i])
    const of = (rows: readonly Float64Array[], list: Int32Array) =>
      reference(
        rows.map((row) => Array.from(list, (q) => row[q])),
        rows.map((row) => [...row.subarray(0, 80)]),
      )
    const [exact, rounded] = [known.g, known.rounded].map((rows) => ({
      some: of(rows, weights),
      less: of(
        rows,
        inner.map((i) => weights[i]),
      ),
    }))
    for (const machine of machines) {
      const { space, rankOne, copy } = make(machine)
      for (const [columns, { some, less }] of [
        [rankOne, exact],
        [copy, rounded],
      ] as const) {
        const subset = columns.subset(weights)
        expect(subset.name).toBe(columns.name)
        check(space, subset, some)
        expect(subset.subset(inner, 'inner').name).toBe('inner')
        check(space, subset.subset(inner), less)
      }
    }
  })

  it('quadratic forms of equal inputs are equal, and right', () => {
    for (const machine of machines) {
      const samples = 50
      const space = new Workspace(machine, solverRoom(samples) + 8 * samples + rankOneRoom([2, 5], samples))
      const columns = RankOneColumns.allocate(space, 'x', [2, 5], samples)
      const rows = [Math.sin, () => 0.5, Math.cos, () => 0.5, Math.sin]
      const left = Float32Array.from({ length: 2 * samples }, (_, i) => i % 7)
      const right = Float32Array.from({ length: 5 * samples }, (_, i) => rows[Math.floor(i / samples)](i % samples))
      columns.put(0, samples, left, right)
      const column = (q: number) => {
        const [p, r] = [Math.floor(q / 5), q % 5]
        return Array.from({ length: samples }, (_, i) => left[p * samples + i] * right[r * samples + i])
      }
      const all = Array.from({ length: 10 }, (_, q) => column(q))
      check(space, columns, reference(Array.from({ length: samples }, (_, i) => all.map((g) => g[i]))))
      const s = space.matrix(samples, samples)
      space.values(s).fill(0.25)
      const forms = new Float64Array(10)
      columns.quadraticForms.compute(s, forms)
      for (const p of [0, 5]) expect([forms[p + 3], forms[p + 4]]).toEqual([forms[p + 1], forms[p]])
    }
  })
})
