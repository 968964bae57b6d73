import { expect, it } from 'vitest'
import { openReference } from '../../../src/engine/machines/reference.ts'
import type { LayerMatrix } from '../../../src/methods/layerwise/layer.ts'
import { InputProducts, productsRoom } from '../../../src/methods/layerwise/products.ts'
import type { Windows } from '../../../src/methods/layerwise/windows.ts'
import { random } from '../../../src/util/random.ts'
import { best } from '../../support/engines.ts'

const layerOf = (columns: number, groups: number): LayerMatrix => ({
  name: 'w',
  shape: [4 * groups, columns],
  rows: 4 * groups,
  columns,
  groups,
  transposed: false,
})

/** Windows of an input that has its lines as they are, [lines][rows][perRow]. */
const plain = (lines: number, rows: number, perRow: number): Windows => ({
  lines,
  rows,
  perRow,
  read(x, first, count, to) {
    for (let line = 0; line < lines; line++) {
      const at = (line * rows + first) * perRow
      to.set(x.subarray(at, at + count * perRow), line * count * perRow)
    }
  },
})

it.each([
  ['one tile', 6, 2, 5, 7],
  ['several tiles, the last one smaller', 8, 2, 39, 8192],
  ['rows larger than a tile', 3, 1, 3, 800_000],
])(
  '%s: twice the products of each group, symmetric, added up in double precision',
  (_, columns, groups, rows, perRow) => {
    const lines = columns * groups
    const windows = plain(lines, rows, perRow)
    const draw = random(5, 'products')
    // A common large part, which sums in single precision would lose the rest beside.
    const x = Float32Array.from({ length: lines * rows * perRow }, () => 8 + draw.uniform() / 16)
    const sums = new InputProducts(best, layerOf(columns, groups), perRow)
    sums.add(windows, x)
    sums.add(windows, x)
    const grams = sums.grams()
    expect(grams).toHaveLength(groups)
    const line = (i: number) => x.subarray(i * rows * perRow, (i + 1) * rows * perRow)
    grams.forEach((gram, group) => {
      for (let i = 0; i < columns; i++)
        for (let j = 0; j <= i; j++) {
          const [a, b] = [line(group * columns + i), line(group * columns + j)]
          let expected = 0
          for (let k = 0; k < a.length; k++) expected += 4 * a[k] * b[k]
          expect(Math.abs(gram[i * columns + j] / expected - 1)).toBeLessThan(1e-12)
          expect(gram[j * columns + i]).toBe(gram[i * columns + j])
        }
    })
  },
)

it('takes the memory that is said, and no more for more input', () => {
  const layer = layerOf(40, 3)
  const sizes: number[] = []
  const reference = openReference()
  const allocate = (size: number) => {
    sizes.push(size)
    return reference.allocate(size)
  }
  const sums = new InputProducts({ ...reference, allocate }, layer, 10)
  for (let i = 0; i < 3; i++) sums.add(plain(120, 4, 10), new Float64Array(4800).fill(1))
  expect(sums.grams()[2][39]).toBe(240)
  expect(sizes).toHaveLength(1)
  expect(sizes[0] - productsRoom(layer, 10)).toBeLessThan(32)
  // Three matrices of doubles, and a tile of 8 MB in rows of 1200.
  expect(productsRoom(layer, 10)).toBeLessThanOrEqual(2 * 3 * 1600 + 2 ** 21 + 2)
})
