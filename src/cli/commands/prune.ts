/** @file espalier prune: a trained network pruned, with or without data. */
import { Command } from 'commander'
import { methods } from '../../methods/index.ts'
import { glossary } from '../display/width.ts'
import { metricOption } from '../flags/metric-option.ts'
import { onnxFlags } from '../flags/onnx.ts'
import { precedence, preprocessingFlags } from '../flags/preprocessing.ts'
import { WEIGHT_FILES } from '../flags/weight-files.ts'
import { addSettingFlags } from '../prune/setting-flags.ts'
import type { PruneFlags } from '../prune/settings.ts'

const entries = Object.entries(methods).map(([name, { summary }]) => ({ name: `  ${name}`, summary }))
const METHODS = () => `\nMethods:\n${glossary(entries)}\n`

const command = (): Command =>
  addSettingFlags(
    new Command('prune')
      .argument('<file>', `an ONNX model, or trained weights: ${WEIGHT_FILES}`)
      .option(
        '--model <name>',
        'a built-in network, or an ONNX model whose weights they are (default: the one that the file is or names)',
      )
      .option('--method <name>', 'what decides which weights go; all are listed below')
      .option(
        '--compare <names>',
        'prune by each of several methods, comma separated, and show one table, or with several sparsities curves; nothing is written',
      )
      .option(
        '--sparsity <share>',
        'share of zeros among the weights of the pruned tensors, such as 0.9; with --compare several, ascending: 0.5,0.7,0.9',
      )
      .option(
        '--picture <file>',
        'with --compare and several sparsities: draw curves over sparsity and latency, as SVG',
      )
      .option('--scope <name>', 'which weights compete: global, layerwise, uniform or erk', 'global')
      .option(
        '--sparsities <list>',
        'where single tensors have another: of the kinds conv and linear, or by name, such as conv=0.9,fc3.weight=0.5; with --scope layerwise',
      )
      .option(
        '--flops <share>',
        'share of the dense multiply-adds of the pruned tensors that may stay, beside --sparsity; with --scope global (default: all)',
      )
      .option(
        '--granularity <name>',
        'what is kept or removed together: weight, 2:4, 2:4-channels, 4x4, block8, row, kernel, filter, channel or fan-in, with a target weight, 2:4, block8, channel or auto (channels or weights, whichever gains more); needs --data (default: weight)',
      )
      .option(
        '--target-ms <n>',
        'in the place of --sparsity: milliseconds that the network may take; each tensor is pruned so far that the loss grows least (needs --data)',
      )
      .option('--target-kb <n>', 'the same for the size of the file: kilobytes (1000 bytes)')
      .option(
        '--stored <form>',
        'with --target-kb: the form that must fit: sparse, brotli, which is the file compressed, or of whole channels dense (default: sparse, of channels dense)',
      )
      .option(
        '--target-flops <share>',
        'the same for multiply-adds: the share of those of the pruned tensors that may stay',
      )
      .option(
        '--max-drop <n>',
        'points of accuracy, or distance of outputs, that pruning may cost on training samples: alone, as few multiply-adds as that allows; beside a target, nothing is written where it costs more',
      )
      .option(
        '--runtime <name>',
        'what the time of --target-ms is of: espalier, wasm or, where whole channels go, onnxruntime (default: espalier)',
      )
      .option('--threads <n>', 'with --target-ms: threads of that (default: the number of processors; wasm has one)')
      .option('--at-once <n>', 'with --target-ms: images at a time (default: 1)')
      .option('--judges <n>', 'with a target: training samples whose loss tells levels apart (default: 1000)')
      .option(
        '--data <name>',
        'a data set or a folder: gradients are of its training samples (magnitude and random do without)',
      )
      .option(
        '--engine <name>',
        'what runs the network: espalier, or onnxruntime, for models that do not run here (methods obc and sparsegpt; needs onnxruntime-node)',
        'espalier',
      )
      .option('-o, --out <file>', 'where the pruned network goes: .onnx, .h5 or .hdf5, or safetensors, stored sparse')
      .option(
        '--record <file>',
        'write what a row of the ledger needs: settings, hashes, counts, cost; a name that ends in .record.json',
      )
      .option('--finetune <recipe>', 'then train the weights that are left, by the train section of this recipe')
      .option(
        '--quantize <type>',
        'then make weights int8 or int4, as espalier quantize does with its defaults; zeros stay zero (needs --data)',
      )
      .option('--seed <n>', 'seed of all random draws', '0')
      .option('--prunable <set>', 'published (what published results of the network prune) or all', 'published')
      .option('--include <names>', 'prune these tensors only; comma separated, * for any characters')
      .option('--exclude <names>', 'do not prune these tensors')
      .option('--fisher-cache <dir>', 'second order: keep gradients in this folder and use them again')
      .option(
        '--on-collapse <what>',
        'when a layer is emptied or no path is left: warn, or error (nothing is written)',
        'warn',
      ),
  )

export const pruneCommand = (): Command =>
  onnxFlags(metricOption(preprocessingFlags(command())))
    .option('--json', 'print one JSON object')
    .addHelpText('after', () => METHODS() + precedence())
    .action(async (given: string, flags: PruneFlags, command: Command) =>
      (await import('../work/prune.ts')).prune(given, flags, command),
    )
