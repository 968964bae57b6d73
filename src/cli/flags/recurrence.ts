/** @file The states of recurrent ONNX models that are given sound, by this engine or by ONNX Runtime. */
import type { Recurrence } from '../../data/arrays/recurrence.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { importOnnx } from '../../formats/onnx/network.ts'
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import type { Model } from '../../models/model.ts'
import { recurrenceOf } from '../../train/recurrence.ts'
import { RuntimeModel } from '../../train/runtime-model.ts'
import { UserError } from '../../util/errors.ts'

/**
 * How the states of a file's network are found, where it has some; all outputs count for that, also where
 * --only-output leaves one.
 */
export function recurrenceHere(file: WeightsFile): Recurrence | undefined {
  const { onnx } = file
  if (!onnx || onnx.network instanceof UserError || (onnx.network.model.inputs?.length ?? 0) < 2) return undefined
  const { output, ...reading } = onnx.reading
  const network = output === undefined ? onnx.network : importOnnx(onnx.file, reading)
  let whole: SparseModel | undefined
  return recurrenceOf(network.model, async (sample) => {
    const { tensors, metadata } = file
    whole ??= new SparseModel({ tensors, metadata, onnx: { ...onnx, network } }, { machine: await openMachine() })
    return whole.run(sample)
  })
}

/**
 * The same of a model that ONNX Runtime runs, for as long as `use` takes. `model` is what data are for; its
 * states may be found by another file of it.
 */
export async function withRecurrence<T>(
  model: Pick<Model, 'inputs'>,
  { file, reading }: OnnxModel,
  use: (recurrence?: Recurrence) => Promise<T>,
): Promise<T> {
  if ((model.inputs?.length ?? 0) < 2) return use()
  const { output, ...whole } = reading
  const runtime = await RuntimeModel.open(file, whole)
  try {
    return await use(
      runtime.batch === 1 ? recurrenceOf(runtime.model, (sample) => runtime.resultsOf(sample)) : undefined,
    )
  } finally {
    await runtime.close()
  }
}
