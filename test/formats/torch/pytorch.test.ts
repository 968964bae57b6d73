import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StoredTensor, toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { parseTorch } from '../../../src/formats/torch/torch.ts'
import { hasPython, PYTHON } from '../../support/python.ts'

const hasTorch = hasPython('torch', 'numpy')
const dtypes: Record<string, string> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  bool: 'BOOL',
}

describe.skipIf(!hasTorch)('checkpoints that torch.save wrote (skipped where Debian python3-torch is absent)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-torch-'))
  let expected: Record<string, Record<string, [shape: number[], dtype: string, values: number[]]>>
  beforeAll(() => {
    const script = fileURLToPath(new URL('checkpoints.py', import.meta.url))
    execFileSync(PYTHON, ['-W', 'ignore', script, folder], { stdio: ['ignore', 'ignore', 'pipe'] })
    expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    'plain',
    'before',
    'behind',
    'two',
    'whole',
    'within',
    'pruned',
    'pruned-whole',
    'sparse',
    'views',
    'script',
  ])('%s: holds here what it holds there, whatever layout and protocol', (kind) => {
    const files = Object.keys(expected).filter((file) => file.replace(/(-(zip|legacy)-\d)?\.pth?$/, '') === kind)
    expect(files).toHaveLength(kind === 'script' ? 1 : 8)
    for (const file of files) {
      const { tensors, notes } = parseTorch(readFileSync(join(folder, file)), file)
      expect(notes, file).toHaveLength(kind === 'two' ? 1 : 0)
      expect([...tensors.keys()].sort(), file).toEqual(Object.keys(expected[file]).sort())
      for (const [name, [shape, dtype, values]] of Object.entries(expected[file]))
        expect(plain(tensors.get(name)!), `${file}: ${name}`).toEqual({
          shape,
          dtype: dtypes[dtype],
          values: floats(values),
        })
    }
  })
})

/** -0 is 0 here: weights that a mask prunes keep their sign in PyTorch. */
const floats = (values: readonly number[]) => Array.from(Float32Array.from(values), (value) => value + 0)
const plain = (tensor: StoredTensor) => ({
  shape: [...tensor.shape],
  dtype: tensor.dtype,
  values: floats([...toFloats(tensor)]),
})
