import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { encodeSafetensors, storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { espalier } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Exactly one line, and no word about where in the program it came from. */
async function expectOneLine(args: string[], message: RegExp, env: Record<string, string> = {}): Promise<void> {
  const { code, stdout, stderr } = await espalier(args, { env })
  expect(stderr).toMatch(/^(espalier: |error: )[^\n]+\n$/)
  expect(stderr).toMatch(message)
  expect(stderr).not.toMatch(/ at .*:\d+:\d+|\.js|\.ts:/)
  expect(code).toBe(1)
  expect(stdout).toBe('')
}

const folder = () => {
  const path = temporaryFolder()
  writeTiny(path)
  const odd = new Map([['a\nb\u001b[31m', storeFloats(Float32Array.of(1), [1])]])
  const bytes = encodeSafetensors({ tensors: odd, metadata: {} })
  writeFileSync(join(path, 'odd.safetensors'), bytes.subarray(0, bytes.length - 1))
  writeSafetensors(join(path, 'weights.safetensors'), {
    tensors: new Map([['fc1', odd.get('a\nb\u001b[31m')!]]),
    metadata: {},
  })
  return path
}

it.each<[string, RegExp]>([
  ['run', /^espalier: expected a recipe, or --from with a command line, found neither$/m],
  ['run DIR/none.yaml', /cannot read .*none\.yaml: there is no such file or folder/],
  ['run DIR/tiny.yaml --set train.epochs=!x', /train\.epochs: expected a value of type number, found ""/],
  ['run DIR/tiny.yaml --set data.name=mnits', /there is no data set or folder named mnits \(did you mean mnist\?\)/],
  ['run DIR/tiny.yaml --set data.name=mnits', /^espalier: \S+tiny\.yaml: data\.name: there is no data set or folder /],
  [
    'run DIR/tiny.yaml --set prune.end=1it',
    /^espalier: \S+tiny\.yaml: prune: expected start <= end .*, found start 10it/,
  ],
  [
    'run DIR/tiny.yaml --set prune.end=9ep',
    /^espalier: \S+tiny\.yaml: prune\.end: expected a time within the 4 epochs of the training, found/,
  ],
  [
    'run DIR/tiny.yaml --set train.batch=5000',
    /^espalier: \S+tiny\.yaml: train\.batch: 5000 is more than the 1900 training/,
  ],
  [
    'run DIR/tiny.yaml --set data.validation=2000',
    /^espalier: \S+tiny\.yaml: data\.validation: 2000 of the 2000 training/,
  ],
  ['run DIR/tiny.yaml --set train.batch=100000000', /^espalier: \S+tiny\.yaml: train\.batch: a step of mlpnet on /],
  [
    'run DIR/tiny.yaml --set train.snapshot=9ep',
    /^espalier: \S+tiny\.yaml: train\.snapshot: expected a time from 0ep to 4ep/,
  ],
  ['run DIR/tiny.yaml --set model.name=mlpnot', /^espalier: \S+tiny\.yaml: .*mlpnot/],
  [
    'run DIR/tiny.yaml --set prune.schedule=one-shot --set rewire={"method":"set","fraction":0.3,"end":"5it"}',
    /^espalier: \S+tiny\.yaml: rewire\.end: expected a time after prune\.start 10it, found 5it$/m,
  ],
  ['run DIR/tiny.yaml --out DIR/tiny.yaml/run', /a part of the path is a file, not a folder/],
  ['run DIR/tiny.yaml --out DIR/none --resume', /none holds no run to resume: there is no such folder/],
  ['run DIR/tiny.yaml --resume', /--resume needs --out with the folder of the run/],
  ['run DIR/tiny.yaml --out DIR --resume --force', /--resume and --force exclude each other/],
  ['run DIR/tiny.yaml --out DIR --checkpoint-seconds soon', /--checkpoint-seconds: expected a number .*, found soon/],
  ['run DIR/tiny.yaml --quiet --set train.learningRate=1e30 --out DIR/run', /the loss became .* smaller learning rate/],
  ['run DIR/tiny.yaml --sparsity 0.5', /^error: unknown option '--sparsity'$/m],
  ['runn DIR/tiny.yaml', /^error: unknown command 'runn' \(Did you mean run\?\)$/m],
  ['eval --dataset synthetic', /eval needs a file of weights: expected the argument or --weights, found neither$/m],
  [
    'eval --weights DIR/weights.safetensors --model mlpnet',
    /eval needs a data set or a folder: expected --dataset or --data, found neither$/m,
  ],
  ['eval --weights DIR/weights.safetensors --dataset synthetic', /does not say what network it holds: add --model/],
  ['eval --weights DIR/weights.safetensors --dataset synthetic --model mlpnet', /has no tensor fc1\.weight \(/],
  [
    'eval --weights DIR/weights.safetensors --dataset synthetic --kernels spars',
    /--kernels: there is no spars \(.*sparse/,
  ],
  ['inspect DIR/odd.safetensors', /tensor a b \[31m lies at bytes 0 to 4, the file has 3 bytes of data/],
  ['inspect', /inspect needs a file of weights, or --program with --model/],
  ['inspect DIR/weights.safetensors --batch 3', /--batch needs --program/],
  ['inspect --model mlpnet', /inspect needs a file of weights, or --program with --model/],
  ['inspect model.safetensors --batch 3', /--batch needs --program/],
  ['inspect --program', /inspect --program needs --model, or a file that names its network/],
  ['inspect --program DIR/weights.safetensors', /does not say what network it holds: add --model/],
  ['inspect --program --model resnet21', /there is no model named resnet21 \(did you mean resnet20\?\)/],
  ['inspect --program --model x', /there is no model named x \(known: lenet-300-100, /],
  ['inspect --program --model mlpnet --batch 0', /--batch: expected a whole number from 1 to 1,000,000, found 0$/m],
  ['inspect --program --model mlpnet --batch 1.5', /--batch: expected a whole number from 1 to 1,000,000, found 1\.5/],
  ['inspect --program --model mlpnet --batch 9999999', /from 1 to 1,000,000, found 9999999/],
  [
    'list cats',
    /^error: command-argument value 'cats' is invalid .* Allowed choices are models, datasets, methods, recipes\.$/m,
  ],
])('%s', async (command, message) => {
  const path = folder()
  await expectOneLine(command.replaceAll('DIR', path).split(' '), message)
  expect(existsSync(join(path, 'none'))).toBe(false)
})

it.each<[Record<string, string>, RegExp]>([
  [{ ESPALIER_ENGINE: 'cuda' }, /ESPALIER_ENGINE: expected native, wasm, webgpu, reference, found cuda/],
  [{ ESPALIER_THREADS: '0' }, /ESPALIER_THREADS: expected a whole number from 1 to 256, found 0/],
  [{ ESPALIER_ENGINE: 'native', ESPALIER_ADDON: '/none' }, /the native engine is not built here/],
])('%o', async (env, message) => {
  await expectOneLine(['run', writeTiny(temporaryFolder()), '--dry-run'], message, env)
})

it('ESPALIER_DEBUG=1 shows where an error came from', async () => {
  const { stderr } = await espalier(['inspect', '/none'], { env: { ESPALIER_DEBUG: '1' } })
  expect(stderr).toMatch(/^espalier: cannot read \/none: .*\nUserError: .*\n +at /)
})
