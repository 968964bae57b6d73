/** @file What espalier eval found, in lines and as JSON. */
import type { Model } from '../../models/model.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { grouped, percent } from '../../util/format.ts'
import type { EvaluationData } from '../flags/data.ts'
import { chanceWarning, guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { DISTANCES, distanceLabel, isDistance, type Measured, metricLines } from './measured.ts'
import { print, printJson } from './output.ts'

export interface Evaluated {
  result: Measured
  model: Model
  inputs: EvaluationData
  /** What --data says. */
  dataset: string
  /** From whose results distances are. */
  dense?: string
  /** The weights of layers, and how many of them are zero. */
  weights: { size: number; zeros: number }
  engine: string
  /** The table of costs that was gone by. */
  costs?: unknown
}

export function printEvaluated(evaluated: Evaluated, json = false): void {
  const { result, model, inputs, dataset, dense, weights, engine, costs } = evaluated
  const sparsity = weights.size === 0 ? 0 : weights.zeros / weights.size
  const warning = isDistance(result) ? undefined : chanceWarning(result, model)
  if (json) {
    const preprocessing = preprocessingJson(inputs)
    printJson({ model: model.name, dataset, ...result, sparsity, ...preprocessing, warning, engine, costs })
    return
  }
  for (const line of preprocessingLines(inputs, model)) print(line)
  const zeros = `sparsity ${percent(sparsity)} of the ${grouped(weights.size)} weights of layers`
  if (isDistance(result)) {
    print(`distance ${result.loss.toFixed(4)} from ${dense} on ${grouped(result.count)} samples, ${zeros}`)
    for (const output of result.outputs) print(`  ${distanceLabel(output)}: ${output.distance.toFixed(4)}`)
    print(DISTANCES)
  } else {
    const { accuracy, correct, count, loss } = result
    print(`accuracy ${percent(accuracy)} (${correct} of ${count}), loss ${loss.toFixed(4)}, ${zeros}`)
    print(byClassText(result))
  }
  for (const line of metricLines(result)) print(line)
  for (const line of [guessWarning(inputs), warning]) if (line) print(line)
}

/** The measures that go by classes. */
function byClassText({ top5, precision, recall, f1 }: Evaluation): string {
  const means = `precision ${percent(precision)}, recall ${percent(recall)}, F1 ${percent(f1)} (means over classes)`
  return top5 === undefined ? means : `top-5 ${percent(top5)}, ${means}`
}
