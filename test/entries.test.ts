/** @file The entries of the package: they declare what is committed, and the examples of their pages run. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { rewirings } from '../src/methods/rewiring/index.ts'
import { compiled, root } from './cli/cli.ts'

beforeAll(compiled, 300_000)
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: root })

it('declare what docs/entries says (npm run api writes it anew)', async () => {
  await expect(node('scripts/api.mjs', '--check')).resolves.toMatchObject({ stderr: '' })
}, 120_000)

it('docs/settings.md and the JSON schema of recipes are what the schemas say (npm run settings)', async () => {
  await expect(node('scripts/settings.mjs', '--check')).resolves.toMatchObject({ stderr: '' })
})

it('docs/settings.md says every default of a schema, once', () => {
  const sections = readFileSync(join(root, 'docs/settings.md'), 'utf8').split(/^### /m)
  for (const [name, { settings }] of Object.entries(rewirings)) {
    const lines = sections.find((section) => section.startsWith(`\`${name}\``))!.split('\n')
    for (const [key, schema] of Object.entries(settings.shape)) {
      if (!(schema instanceof z.ZodDefault)) continue
      const line = lines.find((row) => row.startsWith(`| \`${key}\` |`))
      expect(line, `${name}: ${key}`).toContain(`(default: ${schema.def.defaultValue})`)
      expect(line).not.toContain(`(${schema.def.defaultValue})`)
    }
  }
})

it.each([
  ['espalier', /^0\.8 0\.9\d+$/m],
  ['graph', /^Float32Array\(12\) \[\s*0\.3+\d*,/m],
  ['data', /'synthetic'.* 1900 100 .*pad: 4/s],
])(
  'the example of %s runs',
  async (page, printed) => {
    const [, code] = readFileSync(join(root, 'docs/entries', `${page}.md`), 'utf8').match(/^```js\n(.*?)^```$/ms)!
    // Inside the package, so that its own name can be imported.
    const folder = mkdtempSync(join(root, 'build', 'entries-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'example.mjs'), code)
    const { stdout, stderr } = await node(join(folder, 'example.mjs'))
    expect(stderr).toBe('')
    expect(stdout).toMatch(printed)
  },
  60_000,
)
