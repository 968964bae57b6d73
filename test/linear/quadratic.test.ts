import { expect, it } from 'vitest'
import { quadraticForm } from '../../src/linear/quadratic.ts'
import { random } from '../../src/util/random.ts'
import { onEveryEngine } from '../support/engines.ts'

onEveryEngine((machines) => {
  it.each([
    [1, 1],
    [3, 7],
    [255, 5],
    [256, 4],
    [600, 9],
  ])('%i rows of %i', (rows, n) => {
    const draw = random(rows, 'quadratic')
    const half = Float64Array.from({ length: n * n }, () => draw.normal())
    const s = half.map((x, at) => x + half[(at % n) * n + Math.floor(at / n)])
    const x = Float64Array.from({ length: rows * n }, () => draw.normal())
    let expected = 0
    for (let r = 0; r < rows; r++)
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) expected += x[r * n + i] * s[i * n + j] * x[r * n + j]
    for (const machine of machines) {
      expect(Math.abs(quadraticForm(machine, s, n, x) - expected)).toBeLessThan(1e-11 * rows * n * n)
      expect(
        quadraticForm(
          machine,
          s,
          n,
          x.map(() => 0),
        ),
      ).toBe(0)
    }
  })
})
