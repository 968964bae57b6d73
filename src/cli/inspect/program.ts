/** @file espalier inspect --program: what a training step of a network takes. */
import { markdownTable } from 'markdown-table'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { type Model, sampleText } from '../../models/model.ts'
import { findNetwork, networkOfFile } from '../../train/find-network.ts'
import { planTraining } from '../../train/training-plan.ts'
import { UserError } from '../../util/errors.ts'
import { bytes, grouped } from '../../util/format.ts'
import { print, printJson, printNote } from '../display/output.ts'
import type { InspectOptions } from './options.ts'

const DEFAULT_BATCH = 128

/** Prints the plan of a training step of the network that the file or `--model` names. Throws UserError. */
export async function inspectProgram(given: string | undefined, options: InspectOptions): Promise<void> {
  const { batch = DEFAULT_BATCH } = options
  const model = await chosenModel(given === undefined ? undefined : weightsPath(given), options.model)
  const { kernels, persistent, peak, kept, addressable } = planTraining(model, batch)
  const instructions = sum(kernels)
  const ratio = peak / kept
  if (options.json) {
    const memory = { persistent: { ...persistent, all: sum(persistent) }, peak, kept, ratio }
    printJson({ model: model.name, batch, instructions, kernels, memory, addressable })
    return
  }

  print(`${model.name}: one training step on ${grouped(batch)} samples of ${sampleText(model)}\n`)
  const calls = Object.entries(kernels).map(([name, count]) => [name, grouped(count)])
  print(markdownTable([['kernel', 'calls'], ...calls, ['all', grouped(instructions)]], { align: ['l', 'r'] }))
  const rows = [
    ['parameters', persistent.parameters],
    ['running statistics', persistent.buffers],
    ['optimizer states', persistent.optimizer],
    ['masks and scores', persistent.pruning],
    [`data, ${grouped(batch)} samples`, persistent.data],
    ['constants, inputs, outputs', persistent.other],
    ['all that stays between steps', sum(persistent)],
    ['peak of activations and gradients', peak],
    ['activations that the backward pass must keep', kept],
  ] as const
  print(`\n${markdownTable([['memory', ''], ...rows.map(([what, n]) => [what, bytes(n)])], { align: ['l', 'r'] })}`)
  print(`\nThe peak is ${ratio.toFixed(3)} times the activations that the backward pass must keep.`)
  if (!addressable) print('The step needs more than an engine can address (2^31 - 1 floats): it cannot be run.')
}

async function chosenModel(path: string | undefined, name: string | undefined): Promise<Model> {
  if (path !== undefined) return networkOfFile(await readWeights(path, undefined, printNote), path, name)
  if (name === undefined) throw new UserError('inspect --program needs --model, or a file that names its network')
  return findNetwork(name)
}

const sum = (parts: object): number => Object.values(parts).reduce((total, n) => total + n, 0)
