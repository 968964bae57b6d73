/** @file A pruned file as it is, without pruning again: its tensors, its zeros, its accuracy. */
import { MissingData } from '../../data/folders.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { instructionsOf } from '../../experiment/run/environment.ts'
import { type StoredTensor, toFloats } from '../../formats/safetensors.ts'
import type { Again } from '../../ledger/compare.ts'
import { tensorsHash } from '../../ledger/content-hash.ts'
import { graphOf } from '../../models/model.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { Network } from '../../train/network.ts'
import { finite } from '../../util/checks.ts'
import { UserError } from '../../util/errors.ts'
import { printNote } from '../display/output.ts'
import { environmentOf } from '../prune/record.ts'
import type { Done } from './again.ts'
import { type Claimed, dataName, recordedData, type Weights, weightsFor } from './inputs.ts'

/**
 * The accuracy is measured where the data set is here; a note says where it is not. Throws UserError where
 * the file holds another network, or the data set is another one.
 */
export async function measureFile(record: Claimed, pruned: string, data?: string): Promise<Done> {
  const weights = await weightsFor(record, pruned)
  const tensors = storedIn(weights)
  const machine = await openMachine()
  const final = await evaluated(record, weights, data, machine)
  const again: Again = {
    layers: record.layers.map(({ name }) => countsIn(tensors, name, pruned)),
    result: tensorsHash(tensors),
    final,
    instructions: instructionsOf(machine.description),
    given: true,
  }
  return { again, environment: environmentOf({ machine }) }
}

/** The test set on the weights of the file; undefined where the data set is not on this machine. */
async function evaluated(
  record: Pick<Claimed, 'data'>,
  { model, file, path }: Weights,
  given: string | undefined,
  machine: Awaited<ReturnType<typeof openMachine>>,
): Promise<Evaluation | undefined> {
  try {
    const { data } = await recordedData(record, dataName(record, given), model)
    const network = new Network({ machine, model, data, batch: 1 })
    loadWeights(network, file, path)
    return network.evaluate('test')
  } catch (error) {
    if (!(error instanceof MissingData) || given !== undefined) throw error
    printNote(`the accuracy is not measured: ${error.message}`)
    return undefined
  }
}

/** The tensors of the network, by its names, whatever else the file holds. */
function storedIn({ model, file, path }: Weights): Map<string, StoredTensor> {
  return new Map(
    graphOf(model)
      .stored()
      .map(({ name }) => {
        const tensor = file.tensors.get(name)
        if (!tensor) throw new UserError(`${path} has no tensor ${name}, which ${model.name} needs`)
        finite(`${path}: tensor ${name}`, toFloats(tensor))
        return [name, tensor]
      }),
  )
}

function countsIn(tensors: ReadonlyMap<string, StoredTensor>, name: string, path: string): Again['layers'][number] {
  const tensor = tensors.get(name)
  if (!tensor) throw new UserError(`${path} has no tensor ${name}, whose zeros are counted`)
  const values = toFloats(tensor)
  return { name, size: values.length, kept: values.reduce((sum, value) => sum + Number(value !== 0), 0) }
}
