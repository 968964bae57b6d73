import { expect, it } from 'vitest'
import { findNormalization, normalizations } from '../../src/data/normalization.ts'
import { UserError } from '../../src/util/errors.ts'

it('one number stands for every channel', () => {
  expect(findNormalization('half', 3)).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  expect(findNormalization('mnist', 1)).toEqual({ mean: [0.1307], std: [0.3081] })
})

it('those of wide residual networks are given in 255ths', () => {
  const { mean, std } = findNormalization('cifar10-dsr', 3)
  expect(mean.map((m) => 255 * m)).toEqual([125.3, 123, 113.9])
  expect(std.map((s) => Math.round(2550 * s))).toEqual([630, 621, 667])
})

it('constants for three channels do not fit one', () => {
  expect(() => findNormalization('imagenet', 1)).toThrow(
    new UserError('normalization imagenet is for 3 channels, the images have 1'),
  )
})

it.each(['cifar', 'toString'])('%s is none', (name) => {
  expect(() => findNormalization(name, 3)).toThrow(UserError)
  expect(() => findNormalization(name, 3)).toThrow(`there is no normalization named ${name} (`)
})

it('every entry has a positive deviation for each mean', () => {
  for (const { mean, std } of Object.values(normalizations)) {
    expect(std).toHaveLength(mean.length)
    expect(Math.min(...std)).toBeGreaterThan(0)
  }
})
