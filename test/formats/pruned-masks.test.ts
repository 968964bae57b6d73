import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeHdf5 } from '../../src/formats/hdf5.ts'
import { storeFloats, toFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { readWeights } from '../../src/formats/weights-file.ts'
import { temporaryFolder } from '../cli/temporary.ts'

it.each([
  ['safetensors', async (path, file) => writeSafetensors(path, file)],
  ['h5', writeHdf5],
] satisfies [string, typeof writeHdf5][])(
  'values and mask of a pruned weight are joined in .%s too',
  async (type, write) => {
    const path = join(temporaryFolder(), `weights.${type}`)
    const tensors = new Map([
      ['fc.bias', storeFloats(Float32Array.of(9), [1])],
      ['fc.weight_mask', storeFloats(Float32Array.of(1, 0), [1, 2])],
      ['fc.weight_orig', storeFloats(Float32Array.of(3, 4), [1, 2])],
    ])
    await write(path, { tensors, metadata: { model: 'x' } })
    const found = await readWeights(path)
    expect(found.metadata).toEqual({ model: 'x' })
    expect([...found.tensors.keys()].sort()).toEqual(['fc.bias', 'fc.weight'])
    expect([...toFloats(found.tensors.get('fc.weight')!)]).toEqual([3, 0])
  },
)
