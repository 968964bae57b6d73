/** @file What is said of a network that was quantized. */
import type { Machine } from '../../engine/machine.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import type { Assembled } from '../../quantize/quantize.ts'
import type { QuantizedLayer } from '../../quantize/weights.ts'
import { grouped } from '../../util/format.ts'
import { DISTANCES, isDistance, type Measured } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import type { EvaluationData } from '../flags/data.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { endingOf } from '../prune/ending.ts'
import type { QuantizeFlags, QuantizeSettings } from './flags.ts'
import { factsOf, type QuantizeOutcome } from './quantized.ts'

export interface QuantizedFile {
  path: string
  stored: WeightsFile
  model: Model
  inputs: EvaluationData
  flags: QuantizeFlags
  settings: QuantizeSettings
  machine: Machine
}

export async function reportQuantized(
  { path, stored, model, inputs, flags, settings, machine }: QuantizedFile,
  { quantized, within, made, dense, final }: QuantizeOutcome,
): Promise<void> {
  const ended = await endingOf({ path, file: stored, model, out: flags.out, flags, dense, final })
  const { whole, floats } = layersOf({ quantized, within })
  const warning = isDistance(dense) ? undefined : chanceWarning(dense, model)
  if (flags.json)
    return printJson({
      file: path,
      dataset: inputs.data.name,
      ...factsOf(settings, whole.length),
      layers: whole.map(({ name, error }) => ({ name, error })),
      floats,
      values: made.values,
      dense,
      final,
      ...ended.json,
      ...preprocessingJson(inputs),
      warning,
      guess: guessWarning(inputs),
      out: flags.out,
      notes: [...inputs.notes, ...quantized.notes, ...made.notes],
      engine: machine.description,
    })
  for (const line of preprocessingLines(inputs, model)) print(line)
  const values = valuesText(settings, made)
  print(`${model.name}: ${weightsText(whole)}${values}`)
  const moved = settings.weights.rounding === 'gptq' ? 'outputs' : 'weights'
  for (const { name, error } of worstOf(whole))
    print(`  ${name}: ${moved} moved by ${errorText(error)} of their squares`)
  for (const { name, reason } of floats) print(`note: ${name} stays in floats: ${reason}`)
  for (const note of [...quantized.notes, ...made.notes]) print(`note: ${note}`)
  if (warning) print(warning)
  const guess = guessWarning(inputs)
  if (guess) print(guess)
  const lost = flags.maxDrop === undefined ? lossHint(dense, final) : undefined
  if (lost) print(lost)
  print('')
  for (const line of [...ended.lines, '']) print(line)
  if (isDistance(final)) print(`${DISTANCES}\n`)
  print(`The model is in ${flags.out}`)
}

/** Layers that are whole, and those that stay floats with the reasons. */
function layersOf({ quantized: { layers, left }, within }: Pick<QuantizeOutcome, 'quantized' | 'within'>) {
  const lossy = (within?.floats ?? []).map(({ name, loss }) => ({
    name,
    reason: `with it alone whole the loss is ${loss.toFixed(4)}`,
  }))
  return { whole: layers.filter(({ name }) => within?.whole.has(name) ?? true), floats: [...left, ...lossy] }
}

function valuesText({ activations }: QuantizeSettings, { values }: Assembled): string {
  if (activations === undefined) return ''
  if (activations === 'dynamic') return '; what goes into them by its range in every run'
  return `; ${grouped(values)} activations in ${activations.type}`
}

/** Such as `640 weights of 1 layer in int4, 270,256 of 21 layers in int8`. */
export function weightsText(layers: readonly QuantizedLayer[]): string {
  const kinds = ([4, 8] as const).flatMap((bits) => {
    const some = layers.filter(({ grids }) => grids[0].bits === bits)
    const weights = some.reduce((sum, { codes }) => sum + codes.length, 0)
    const called = some.length === 1 ? 'layer' : 'layers'
    return some.length > 0 ? [`${grouped(weights)} weights of ${some.length} ${called} in int${bits}`] : []
  })
  return kinds.join(', ')
}

/** A share, of which very small ones matter, too. */
function errorText(error: number): string {
  const percents = 100 * error
  return `${percents >= 0.01 ? percents.toFixed(2) : percents.toExponential(1)} %`
}

/** Points of accuracy, or distance, from which on a way out is named. */
const LOSSES = { points: 1, distance: 0.05 }

/** What can be done where much is lost; undefined where little is. */
export function lossHint(dense: Measured, final: Measured): string | undefined {
  const lost = isDistance(final)
    ? final.loss > LOSSES.distance
    : !isDistance(dense) && 100 * (dense.accuracy - final.accuracy) > LOSSES.points
  return lost ? 'note: --max-drop of espalier quantize leaves layers that lose most in floats' : undefined
}

/** Layers whose outputs moved most, of the inputs that they get. */
const SHOWN = 5
const worstOf = <T extends { error: number }>(layers: readonly T[]): T[] =>
  layers.toSorted((a, b) => b.error - a.error).slice(0, SHOWN)
