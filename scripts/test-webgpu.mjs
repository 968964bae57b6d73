// Runs the tests of kernels on the WebGPU engine: on the graphics card's driver, or without one on
// SwiftShader, which Debian's chromium brings along. Says that it skipped where there is neither.
//
// Usage: node scripts/test-webgpu.mjs [tests...]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tests =
  process.argv.length > 2
    ? process.argv.slice(2)
    : ['test/engine/kernels', 'test/engine/webgpu', 'test/infer/gpu-model.test.ts']
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json'
const env = { ...process.env, ESPALIER_WEBGPU: '1', VITEST_REPORT: '' }
if (!env.VK_ICD_FILENAMES && existsSync(SOFTWARE)) env.VK_ICD_FILENAMES = SOFTWARE

const probe = `
  import { create } from 'webgpu'
  globalThis.kept = create([])
  process.exit((await globalThis.kept.requestAdapter()) ? 0 : 1)`
if (spawnSync(process.execPath, ['--input-type=module', '-e', probe], { cwd: root, env }).status !== 0) {
  const missing = 'no adapter of WebGPU: apt-get install chromium libvulkan1, or the driver of a card'
  // Where CI is set, what is skipped is never noticed.
  console.log(process.env.CI ? `WebGPU tests failed: ${missing}` : `WebGPU tests skipped: ${missing}`)
  process.exit(process.env.CI ? 1 : 0)
}
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
