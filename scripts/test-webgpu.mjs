// Runs the tests of kernels on the WebGPU engine: on the graphics card's driver, or without one on
// SwiftShader, which Debian's chromium brings along. Says that it skipped where there is neither.
//
// Usage: node scripts/test-webgpu.mjs [tests...]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tests = process.argv.length > 2 ? process.argv.slice(2) : ['test/engine/kernels', 'test/engine/webgpu']
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json'
const env = { ...process.env, ESPALIER_WEBGPU: '1', VITEST_REPORT: '' }
if (!env.VK_ICD_FILENAMES && existsSync(SOFTWARE)) env.VK_ICD_FILENAMES = SOFTWARE

const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
  cwd: root,
  stdio: 'inherit',
  env,
})
if (status !== 0) {
  console.log('WebGPU tests failed')
  process.exit(1)
}
console.log('WebGPU tests passed')
