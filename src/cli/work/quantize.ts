/** @file The work of espalier quantize. */
import type { Command } from 'commander'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { withLastWords } from '../display/last-words.ts'
import { print, printNote } from '../display/output.ts'
import { WaitDisplay } from '../display/wait.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { flagMetadata } from '../flags/metadata.ts'
import { readMetric } from '../flags/metric.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { checkOutput } from '../flags/output-file.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { recurrenceHere } from '../flags/recurrence.ts'
import { type QuantizeFlags, quantizeSettings } from '../quantize/flags.ts'
import { quantizeAndWrite } from '../quantize/quantized.ts'
import { reportQuantized } from '../quantize/report.ts'

/** Quantizes the network of a file. Throws UserError, and writes nothing, where that cannot be done. */
export async function quantizeFile(given: string, flags: QuantizeFlags, command: Command): Promise<void> {
  const settings = quantizeSettings(flags, command)
  const path = weightsPath(given)
  checkOutput(flags.out, { inputs: [path], force: flags.force })
  const metric = flags.metric === undefined ? undefined : await readMetric(flags.metric)
  const stored = await readWeights(path, importOptions(flags), printNote)
  const { model, file } = namedNetwork(stored, path, flags.model)
  const loading = new DataDisplay()
  const stated = statedPreprocessing(file.metadata, path, model.image[0])
  const inputs = await loadEvaluationData(flags.data, model, stated, flags, {
    onProgress: loading.show,
    unlabelled: true,
    recurrence: recurrenceHere(stored),
  }).finally(() => loading.stop())
  const machine = await openMachine()
  const display = new WaitDisplay()
  const metadata = { ...file.metadata, ...flagMetadata(flags) }
  const work = () =>
    quantizeAndWrite({
      path,
      stored: { weights: { tensors: file.tensors, metadata }, model, onnx: file.onnx },
      data: inputs.data,
      settings,
      out: flags.out,
      machine,
      metric,
      show: (what, share) => {
        if (!flags.json) display.show(what, { share })
      },
    })
  const hint = (sentence: string) => {
    if (!flags.json) print(sentence)
  }
  try {
    const outcome = withLastWords(`${flags.out} is not written before the end`, work, hint)
    display.stop()
    await reportQuantized({ path, stored, model, inputs, flags, settings, machine }, outcome)
  } finally {
    display.stop()
  }
}
