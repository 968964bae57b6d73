import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { inTemporaryFolder } from '../../src/util/temporary-folder.ts'

describe('work in a temporary folder', () => {
  it('leaves none behind, whether it ends well or not', async () => {
    let seen = ''
    const result = await inTemporaryFolder('espalier-test-', async (folder) => {
      seen = folder
      writeFileSync(join(folder, 'a'), 'b')
      return existsSync(join(folder, 'a'))
    })
    expect([result, existsSync(seen)]).toEqual([true, false])
    const failing = inTemporaryFolder('espalier-test-', async (folder) => {
      seen = folder
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(existsSync(seen)).toBe(false)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves none behind where %s ends the process', async (signal) => {
    const module = fileURLToPath(new URL('../../dist/util/temporary-folder.js', import.meta.url))
    const code = `import { inTemporaryFolder } from ${JSON.stringify(module)}
      await inTemporaryFolder('espalier-test-', (folder) => {
        console.log(folder)
        return new Promise((resolve) => setTimeout(resolve, 60_000))
      })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    const folder = String(line).trim()
    expect(existsSync(folder)).toBe(true)
    child.kill(signal)
    const [, ended] = await once(child, 'exit')
    expect(ended).toBe(signal)
    expect(existsSync(folder)).toBe(false)
  })
})
