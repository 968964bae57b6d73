import { expect, it } from 'vitest'
import { Workspace } from '../../../src/linear/workspace.ts'
import { solverRoom } from '../../../src/methods/second-order/fisher/inverse.ts'
import { RankOneColumns, rankOneRoom } from '../../../src/methods/second-order/fisher/rank-one-columns.ts'
import { columnsCase, distance, flat, randomMasks } from '../../support/columns-case.ts'
import { onEveryEngine } from '../../support/engines.ts'

onEveryEngine((machines) => {
  it('stored and rank-one columns of the same gradients agree, and with the gradients', () => {
    for (const machine of machines)
      for (const [seed, samples] of [1, 2, 7, 300].entries()) {
        const { space, rankOne, copy, g, weights } = columnsCase(machine, seed, samples)
        const size = rankOne.size
        const column = (q: number) => g.map((row) => row[q])
        const v = Float64Array.from({ length: samples }, (_, i) => Math.cos(i))
        const dots = Array.from({ length: size }, (_, q) => column(q).reduce((sum, x, i) => sum + x * v[i], 0))
        const squares = Array.from({ length: size }, (_, q) => column(q).reduce((sum, x) => sum + x * x, 0))
        const x = weights[0].map((w, q) => (q % 3 ? w : 0))
        const image = g.map((row, i) => v[i] + x.reduce((sum, value, q) => sum + value * row[q], 0))
        for (const columns of [rankOne, copy]) {
          const one = new Float32Array(samples)
          for (let q = 0; q < size; q++) {
            columns.column(q, one)
            expect([...one]).toEqual(column(q))
          }
          const sums = new Float64Array(size)
          columns.correlate(v, sums)
          expect(distance(sums, dots)).toBeLessThan(1e-6)
          columns.squares(sums)
          expect(distance(sums, squares)).toBeLessThan(1e-6)
          const into = v.slice()
          columns.combine(x, into)
          expect(distance(into, image)).toBeLessThan(1e-6)
          for (const share of [0, 0.3, 0.8, 1, undefined]) {
            const mask = share === undefined ? undefined : randomMasks(seed, [size], share)[0]
            const counted = (q: number) => q < size && (mask === undefined || mask[q] === 1)
            space.scoped(() => {
              const k = space.matrix(samples, samples)
              // What was there before is added to.
              space.values(k).fill(1)
              columns.addGram(k, mask)
              const values = space.values(k)
              const [got, want]: number[][] = [[], []]
              for (let i = 0; i < samples; i += 1 + samples / 50)
                for (let j = 0; j <= i; j++) {
                  const [a, b] = [g[Math.floor(i)], g[j]]
                  got.push(values[Math.floor(i) * samples + j])
                  want.push(a.reduce((sum, value, q) => sum + (counted(q) ? value * b[q] : 0), 1))
                }
              expect(distance(got, want)).toBeLessThan(1e-6)
            })
          }
        }
      }
  })

  it('quadratic forms of rank-one columns, from a lower triangle', () => {
    for (const machine of machines)
      for (const samples of [1, 9, 300]) {
        const { space, rankOne, g } = columnsCase(machine, 5, samples)
        const s = space.matrix(samples, samples)
        const at = (i: number, j: number) => Math.cos(Math.max(i, j) + 3 * Math.min(i, j))
        for (let i = 0; i < samples; i++)
          for (let j = 0; j < samples; j++) space.values(s)[i * samples + j] = j <= i ? at(i, j) : Number.NaN
        const forms = new Float64Array(rankOne.size).fill(7)
        rankOne.quadraticForms(s, forms)
        const want = flat([forms]).map((_, q) => {
          let sum = 0
          for (let i = 0; i < samples; i++) for (let j = 0; j < samples; j++) sum += g[i][q] * at(i, j) * g[j][q]
          return sum
        })
        expect(distance(forms, want)).toBeLessThan(1e-5)
      }
  })

  it('quadratic forms of equal inputs are equal, and right', () => {
    for (const machine of machines) {
      const samples = 50
      const space = new Workspace(machine, solverRoom(samples) + 8 * samples + rankOneRoom([2, 5], samples))
      const columns = new RankOneColumns(space, 'x', [2, 5], samples)
      const rows = [Math.sin, () => 0.5, Math.cos, () => 0.5, Math.sin]
      const value = (r: number, i: number) => Math.fround(Math.round(32 * rows[r](i)) / 32)
      const left = Float32Array.from({ length: 2 * samples }, (_, i) => i % 7)
      columns.put(
        ...([0, samples, left] as const),
        Float32Array.from({ length: 5 * samples }, (_, i) => value(Math.floor(i / samples), i % samples)),
      )
      const s = space.matrix(samples, samples)
      for (let i = 0; i < samples; i++)
        for (let j = 0; j <= i; j++) space.values(s)[i * samples + j] = Math.cos(i + 3 * j)
      const forms = new Float64Array(10)
      columns.quadraticForms(s, forms)
      const column = new Float32Array(samples)
      const want = Array.from(forms, (_, q) => {
        columns.column(q, column)
        let sum = 0
        for (let i = 0; i < samples; i++)
          for (let j = 0; j < samples; j++) sum += column[i] * Math.cos(Math.max(i, j) + 3 * Math.min(i, j)) * column[j]
        return sum
      })
      expect(distance(forms, want)).toBeLessThan(1e-5)
      for (const p of [0, 5]) expect([forms[p + 3], forms[p + 4]]).toEqual([forms[p + 1], forms[p]])
    }
  })
})
