import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { readSafetensors, unpackSparse } from '../src/index.ts'
import { compiled, root } from './cli/cli.ts'

beforeAll(compiled, 120_000)

it('the first example of the readme runs as it stands and prints an accuracy', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, code]) => code)
  const code = blocks.find((block) => block.includes("from 'espalier'"))
  expect(code).toBeDefined()

  // Inside the package, so that its own name can be imported.
  const folder = mkdtempSync(join(root, 'build', 'readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'example.mjs'), code!)
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder })
  expect(stderr).toBe('')
  const accuracy = Number(/([\d.]+) % accuracy/.exec(stdout)?.[1])
  expect(accuracy).toBeGreaterThan(90)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.safetensors')))
    expect(unpackSparse(readSafetensors(join(folder, file)), file).tensors.size).toBeGreaterThan(0)
}, 120_000)
