/** @file espalier eval --engine onnxruntime: a model judged by what ONNX Runtime makes of test samples. */
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { countZeros } from '../../formats/onnx/zeros.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { classesOf } from '../../models/model.ts'
import type { Metric } from '../../train/metric.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { judgeInRuntime } from '../../train/runtime-judge.ts'
import { RuntimeModel } from '../../train/runtime-model.ts'
import { UserError } from '../../util/errors.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { printEvaluated } from '../display/evaluated.ts'
import { printNote } from '../display/output.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { withRecurrence } from '../flags/recurrence.ts'
import type { EvalOptions } from './options.ts'

/** Throws UserError where a flag, the file or the data do not fit. */
export async function evaluateInRuntime(
  stored: WeightsFile,
  path: string,
  options: EvalOptions & { data: string },
  metric?: Metric,
): Promise<void> {
  const { data: name, dense: densePath } = options
  if (options.model !== undefined) throw new UserError('--model has no effect with --engine onnxruntime')
  if (options.costs !== undefined) throw new UserError('--costs has no effect with --engine onnxruntime')
  if (options.kernels !== 'auto')
    throw new UserError(`--kernels: ONNX Runtime has kernels of its own, expected auto, found ${options.kernels}`)
  const onnx = onnxOf(stored, path)
  const { file, reading } = onnx
  const runtime = await RuntimeModel.open(file, reading)
  const { model } = runtime
  const loading = new DataDisplay()
  const { show: onProgress } = loading
  const stated = statedPreprocessing(stored.metadata, path, model.image[0])
  const denseModel =
    densePath === undefined
      ? undefined
      : onnxOf(await readWeights(densePath, importOptions(options), printNote), densePath)
  const inputs = await withRecurrence(model, denseModel ?? onnx, (recurrence) =>
    loadEvaluationData(name, model, stated, options, { onProgress, recurrence }),
  ).finally(() => loading.stop())
  const { data } = inputs
  if (data.classes !== undefined && data.classes !== classesOf(model))
    throw new UserError(`${path} tells ${classesOf(model)} classes apart, ${name} has ${data.classes}`)
  if (data.classes !== undefined && densePath !== undefined)
    throw new UserError(`--dense is for data without labels, and ${name} has labels of ${path}`)
  const dense = data.classes === undefined ? await openDense(denseModel, { path, name, runtime }) : undefined
  const result = await judgeInRuntime(runtime, data, { dense, metric })
  const { weights } = countZeros(file)
  const sum = (of: 'size' | 'zeros') => weights.reduce((all, weight) => all + weight[of], 0)
  const counts = { size: sum('size'), zeros: sum('zeros') }
  const found = { result, model, inputs, dataset: name, dense: densePath, weights: counts, engine: runtime.engine }
  printEvaluated(found, options.json)
  await Promise.all([runtime, dense].map((one) => one?.close()))
}

/** The dense model, of the same outputs. Throws UserError where there is none, or it is another one. */
async function openDense(
  dense: OnnxModel | undefined,
  { path, name, runtime }: { path: string; name: string; runtime: RuntimeModel },
): Promise<RuntimeModel> {
  if (dense === undefined)
    throw new UserError(
      `${name} has no labels of ${path}: expected --dense with the dense network, from whose results distances are`,
    )
  const { file, reading } = dense
  const other = await RuntimeModel.open(file, reading)
  const names = ({ outputs }: RuntimeModel) => outputs.map((output) => output.name).join(', ')
  if (names(other) === names(runtime)) return other
  throw new UserError(
    `--dense: ${file.path} gives ${names(other)}, ${path} ${names(runtime)}: expected models of the same outputs`,
  )
}

function onnxOf({ onnx }: WeightsFile, path: string): OnnxModel {
  if (!onnx) throw new UserError(`--engine onnxruntime is for ONNX models, which ${path} is not`)
  return onnx
}
