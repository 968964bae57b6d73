/** @file espalier prune: a trained network pruned, with or without data. */
import { Command } from 'commander'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { checkForm } from '../../formats/network-file.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { UserError } from '../../util/errors.ts'
import { printNote } from '../display/output.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { onnxFlags, onnxOptions } from '../flags/onnx.ts'
import { checkOutput } from '../flags/output-file.ts'
import { importOptions, PRECEDENCE, preprocessingFlags } from '../flags/preprocessing.ts'
import { pruneByValue } from '../prune/by-value.ts'
import { compareMethods } from '../prune/compare.ts'
import { checkPruneFlags } from '../prune/flags.ts'
import { methodName, type PruneFlags, pruneMethods } from '../prune/settings.ts'
import { pruneWithData } from '../prune/with-data.ts'

const METHODS = `
Methods:
${Object.entries(pruneMethods)
  .map(([name, summary]) => `  ${name.padEnd(12)} ${summary}`)
  .join('\n')}
`

const command = (): Command =>
  new Command('prune')
    .argument('<file>', 'an ONNX model, or trained weights: a safetensors or HDF5 file, or a PyTorch checkpoint')
    .option(
      '--model <name>',
      'a built-in network, or an ONNX model whose weights they are (default: the one that the file is or names)',
    )
    .option('--method <name>', `${Object.keys(pruneMethods).join(', ')}`)
    .option(
      '--compare <names>',
      'prune by each of several methods, comma separated, and show one table; nothing is written',
    )
    .requiredOption('--sparsity <share>', 'share of zeros among the weights of the pruned tensors, such as 0.9')
    .option(
      '--scope <name>',
      'of magnitude and random, which weights compete: global, layerwise, uniform or erk',
      'global',
    )
    .option(
      '--data <name>',
      'a data set or a folder: gradients are of its training samples (magnitude and random do without)',
    )
    .option('-o, --out <file>', 'where the pruned network goes: .onnx, .h5, or safetensors, stored sparse')
    .option('--finetune <recipe>', 'then train the weights that are left, by the train section of this recipe')
    .option(
      '--samples <n>',
      'gradients (default: 4000, of convolutional networks and for chita 1000; at most half of the samples)',
    )
    .option('--mini-batch <n>', 'training samples whose mean loss one gradient belongs to', '1')
    .option(
      '--block-size <blocks>',
      'which weights interact: full, layer, or at most so many of a layer (default: full where all layers are linear)',
    )
    .option(
      '--damp <lambda>',
      'added to the diagonal of the Fisher matrix (default: full 1e-3, else 1e-5, for updates also stronger; obc, sparsegpt 0.01)',
    )
    .option(
      '--stages <n>',
      'steps of growing sparsity, with new gradients at each (default: each removes at most a third of what is left; of convolutional networks half; with chita a sixth)',
    )
    .option('--seed <n>', 'seed of all random draws', '0')
    .option(
      '--judge <n>',
      'training samples, not those of gradients, whose loss chooses masks and steps (default: 5000; a faithful search: all)',
    )
    .option('--faithful', 'samples, counts and steps as in the published code, to compare with published results')
    .option('--refresh-bn <n>', 'then take statistics of batch normalizations anew, from so many training images')
    .option('--prunable <set>', 'published (what published results of the network prune) or all', 'published')
    .option('--include <names>', 'prune these tensors only; comma separated, * for any characters')
    .option('--exclude <names>', 'do not prune these tensors')
    .option('--fisher-cache <dir>', 'keep gradients in this folder and use them again')
    .option(
      '--memory <gib>',
      'for gradients; where not all fit, they are computed again for groups of tensors (default: 4)',
    )
    .option(
      '--on-collapse <what>',
      'when a layer is emptied or no path is left: warn, or error (nothing is written)',
      'warn',
    )

export const pruneCommand = (): Command =>
  onnxFlags(preprocessingFlags(command()))
    .option('--json', 'print one JSON object')
    .addHelpText('after', METHODS + PRECEDENCE)
    .action(async (given: string, flags: PruneFlags, command: Command) => {
      const { method, compare, out, data } = flags
      if ((method === undefined) === (compare === undefined))
        throw new UserError('prune needs either --method with one method or --compare with several')
      if (method !== undefined && out === undefined) throw new UserError('prune needs --out with the name of a file')
      checkPruneFlags(command, flags)
      const path = weightsPath(given)
      if (out !== undefined) {
        checkForm(out, onnxOptions(flags))
        checkOutput(out, { inputs: [path], force: flags.force })
      }
      const stored = await readWeights(path, importOptions(flags), printNote)
      for (const flag of ['size', 'crop'] as const)
        if (flags[flag] !== undefined && data === undefined && !stored.onnx)
          throw new UserError(`--${flag} needs --data with a folder of image files, or an ONNX model`)
      if (method !== undefined && data === undefined)
        return pruneByValue(stored, path, methodName(method), { ...flags, out: out! })
      if (data === undefined) throw new UserError('--compare needs --data with a data set or a folder')
      const { model, file } = namedNetwork(stored, path, flags.model)
      if (compare !== undefined) return compareMethods(file, path, model, { ...flags, data, compare })
      await pruneWithData(file, path, model, { ...flags, data, out: out! })
    })
