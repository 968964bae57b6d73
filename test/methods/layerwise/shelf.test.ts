import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Shelf } from '../../../src/methods/layerwise/shelf.ts'

const before = process.env.TMPDIR
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-test-'))
  process.env.TMPDIR = folder
})
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = before
  rmSync(folder, { recursive: true, force: true })
})

const inFiles = () => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)))

it('holds what the limit allows in memory, the rest in files, bit for bit', () => {
  const shelf = new Shelf(100)
  const arrays = {
    a: Float32Array.of(1.5, -0, Number.NaN, 2 ** -140),
    b: Float64Array.from({ length: 10 }, (_, i) => 1 / (i + 1)),
    c: Float64Array.of(Math.PI, Infinity),
    d: new Float32Array(1000).subarray(3, 8).fill(7),
  }
  for (const [name, values] of Object.entries(arrays)) shelf.put(name, values)
  // 16 bytes, 80 bytes; 16 and 20 more would be too many.
  expect(shelf.bytes).toBe(96)
  expect(inFiles()).toHaveLength(2)
  for (const [name, values] of Object.entries(arrays)) expect(shelf.get(name)).toEqual(values)
  shelf.clear()
  expect([shelf.bytes, readdirSync(folder)]).toEqual([0, []])
  expect(() => shelf.get('a')).toThrow('nothing is kept under the name a')
})

it('what is let go of or replaced makes room, in memory and on disk', () => {
  const shelf = new Shelf(16)
  const four = (x: number) => new Float32Array(4).fill(x)
  shelf.put('a', four(1))
  shelf.put('b', four(2))
  shelf.put('b', four(3))
  expect([shelf.bytes, inFiles().length, shelf.get('b')[0]]).toEqual([16, 1, 3])
  shelf.delete('a')
  shelf.put('b', four(4))
  expect([shelf.bytes, inFiles().length, shelf.get('b')[0]]).toEqual([16, 0, 4])
  shelf.delete('b')
  shelf.delete('b')
  expect(shelf.bytes).toBe(0)
  shelf.clear()
  expect(existsSync(folder) && readdirSync(folder)).toEqual([])
})

it('a folder that cannot be written to is told', () => {
  process.env.TMPDIR = join(folder, 'missing')
  expect(() => new Shelf(0).put('a', Float32Array.of(1))).toThrow(/missing.*expected room/)
})
