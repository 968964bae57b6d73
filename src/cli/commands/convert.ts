/** @file espalier convert: a network with its weights, from one format to another. */

import { Command } from 'commander'
import { onnxFlags } from '../flags/onnx.ts'
import { pixels } from '../flags/parse.ts'
import { layoutOption } from '../flags/preprocessing.ts'
import { WEIGHT_FILES } from '../flags/weight-files.ts'
import type { ConvertOptions } from '../work/convert.ts'

export const convertCommand = (): Command =>
  onnxFlags(
    layoutOption(
      new Command('convert')
        .argument('<in>', `an ONNX model, or weights: ${WEIGHT_FILES}`)
        .argument('<out>', 'a name that ends in .onnx, .tflite, .safetensors, .h5 or .hdf5')
        .option('--model <name>', 'a built-in network, or an ONNX model whose weights they are')
        .option(
          '--crop <pixels>',
          'rows and columns of images, where an ONNX model leaves them open',
          pixels('--crop'),
        ),
    ),
  )
    .option('--json', 'print one JSON object')
    .action(async (from: string, to: string, options: ConvertOptions) =>
      (await import('../work/convert.ts')).convert(from, to, options),
    )
