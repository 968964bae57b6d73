/** @file What the flags of espalier quantize say. */
import type { Command } from 'commander'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { blockSizes } from '../../formats/onnx/quantize/n-bits.ts'
import { scaleRules } from '../../quantize/grid.ts'
import type { RangeOptions } from '../../quantize/ranges.ts'
import { rangeRules } from '../../quantize/ranges.ts'
import { type ValueType, valueTypes } from '../../quantize/value-grid.ts'
import { roundings, type WeightOptions } from '../../quantize/weights.ts'
import { UserError } from '../../util/errors.ts'
import { oneOf } from '../flags/choices.ts'
import { givenFlags } from '../flags/given.ts'
import type { PreprocessingFlags } from '../flags/preprocessing.ts'
import { USUAL } from './usual.ts'

export interface QuantizeFlags extends PreprocessingFlags {
  data: string
  out: string
  model?: string
  weights: string
  activations?: string
  rounding: string
  block: number
  asymmetric?: boolean
  scales: string
  range: string
  percentile?: number
  samples: number
  damp: number
  include?: string
  exclude?: string
  maxDrop?: number
  judges: number
  seed: number
  metric?: string
  force?: boolean
  json?: boolean
}

export interface QuantizeSettings {
  weights: WeightOptions & Required<Pick<WeightOptions, 'bits' | 'rounding' | 'samples' | 'seed'>>
  /** Absent: weights alone. */
  activations?: (RangeOptions & { type: ValueType }) | 'dynamic'
  /** Patterns of names, comma separated. */
  include?: string
  exclude?: string
  maxDrop?: number
  /** Training samples that judge, and the seed of their choice. */
  judges: number
  seed: number
}

/** What is done where only the type of weights is said. */
export function usualSettings(weights: string, seed: number): QuantizeSettings {
  const bits = bitsOf('--quantize', weights)
  const { samples, damp, block, judges } = USUAL
  return {
    weights: { bits, rounding: 'gptq', samples, damp, block, seed },
    ...(bits === 8 && { activations: { type: 'uint8' } }),
    judges,
    seed,
  }
}

const bitsOf = (flag: string, type: string) => (oneOf(flag, type, ['int8', 'int4']) === 'int4' ? 4 : 8)

/** Throws UserError, naming the flag, where one has a wrong value or says nothing to the others. */
export function quantizeSettings(flags: QuantizeFlags, command: Command): QuantizeSettings {
  const { out, asymmetric, percentile, samples, damp, seed } = flags
  if (!isOnnxName(out)) throw new UserError(`${out}: expected a name that ends in .onnx`)
  const given = givenFlags(command)
  const bits = bitsOf('--weights', flags.weights)
  const usual = bits === 4 ? 'float' : 'uint8'
  const type = oneOf('--activations', flags.activations ?? usual, [...valueTypes, 'dynamic', 'float'])
  if (bits === 4 && type !== 'float')
    throw new UserError(`--activations ${type}: runtimes multiply weights of four bits with floats, expected float`)
  const rounding = oneOf('--rounding', flags.rounding, roundings)
  const rule = oneOf('--range', flags.range, rangeRules)
  if (given.has('damp') && rounding === 'nearest') throw new UserError('--damp is for --rounding gptq')
  if (given.has('range') && (type === 'float' || type === 'dynamic'))
    throw new UserError(`--range is for --activations uint8 or int8, found ${type}`)
  if (asymmetric && type === 'dynamic') throw new UserError('--asymmetric is for other --activations than dynamic')
  if (given.has('block') && bits === 8) throw new UserError('--block is for --weights int4')
  if (!blockSizes.some((size) => size === flags.block))
    throw new UserError(`--block: expected ${blockSizes.join(', ')}, found ${flags.block}`)
  if (percentile !== undefined && rule !== 'percentile') throw new UserError('--percentile is for --range percentile')
  if (percentile !== undefined && !(percentile > 50 && percentile <= 100))
    throw new UserError(`--percentile: expected more than 50 and at most 100, found ${percentile}`)
  if (given.has('judges') && flags.maxDrop === undefined) throw new UserError('--judges is for --max-drop')
  return {
    weights: {
      bits,
      symmetric: !asymmetric,
      scales: oneOf('--scales', flags.scales, scaleRules),
      rounding,
      block: flags.block,
      samples,
      damp,
      seed,
    },
    ...(type === 'dynamic' && { activations: type }),
    include: flags.include,
    exclude: flags.exclude,
    maxDrop: flags.maxDrop,
    judges: flags.judges,
    seed,
    ...((type === 'uint8' || type === 'int8') && { activations: { type, rule, percentile } }),
  }
}
