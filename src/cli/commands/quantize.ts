/** @file espalier quantize: weights, and what is computed, as whole numbers of few bits. */
import { Command } from 'commander'
import { metricOption } from '../flags/metric-option.ts'
import { notNegative, whole } from '../flags/parse.ts'
import { precedence, preprocessingFlags } from '../flags/preprocessing.ts'
import { WEIGHT_FILES } from '../flags/weight-files.ts'
import type { QuantizeFlags } from '../quantize/flags.ts'
import { USUAL } from '../quantize/usual.ts'

const command = (): Command =>
  new Command('quantize')
    .argument('<file>', `an ONNX model, or trained weights: ${WEIGHT_FILES}; zeros stay exactly zero`)
    .requiredOption('--data <name>', 'a data set or a folder: training samples calibrate, test samples judge')
    .requiredOption('-o, --out <file>', 'where the model goes, in QDQ form: a name that ends in .onnx')
    .option(
      '--model <name>',
      'a built-in network, or an ONNX model whose weights they are (default: the one that the file is or names)',
    )
    .option(
      '--weights <type>',
      'int8, a scale for each output, or int4: products (MatMulNBits), others stay int8',
      'int8',
    )
    .option('--block <n>', 'with int4: inputs that share a scale, 16 to 256', whole('--block', 16, 256), USUAL.block)
    .option(
      '--activations <type>',
      'what is computed: uint8, int8 (which phones ask for), dynamic (inputs of layers, by their range in every run), or float: weights alone (default: uint8, of int4 weights float)',
    )
    .option(
      '--rounding <name>',
      'gptq, which makes up for what rounding changes in the outputs of a layer, or nearest',
      'gptq',
    )
    .option('--asymmetric', 'weights with zero points of their own (default: codes from -127 to 127, zero is 0)')
    .option('--scales <rule>', 'of weights: mse (least squared error), or max (up to the largest weight)', 'mse')
    .option(
      '--range <rule>',
      'of what is computed: mse (least squared error), min-max (all that was seen), or percentile',
      'mse',
    )
    .option('--percentile <p>', 'with --range percentile: percent that are inside', notNegative('--percentile'))
    .option('--samples <n>', 'training samples that calibrate', whole('--samples', 1, 1e6), USUAL.samples)
    .option(
      '--damp <x>',
      'with gptq: what is added to the diagonal of a Hessian, in units of its mean',
      notNegative('--damp'),
      USUAL.damp,
    )
    .option('--include <names>', 'these tensors only; comma separated, * for any characters')
    .option('--exclude <names>', 'these tensors stay floats')
    .option(
      '--max-drop <n>',
      'points of accuracy, or distance of outputs, that may be lost on training samples: layers that lose most stay floats until that holds',
      notNegative('--max-drop'),
    )
    .option('--judges <n>', 'with --max-drop: training samples that judge', whole('--judges', 1, 1e6), USUAL.judges)
    .option('--seed <n>', 'seed of the choice of samples', whole('--seed', 0, 2 ** 32 - 1), USUAL.seed)
    .option('--force', 'write over a file that exists')

export const quantizeCommand = (): Command =>
  metricOption(preprocessingFlags(command()))
    .option('--json', 'print one JSON object')
    .addHelpText('after', precedence)
    .action(async (file: string, flags: QuantizeFlags, command: Command) =>
      (await import('../work/quantize.ts')).quantizeFile(file, flags, command),
    )
