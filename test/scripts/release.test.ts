import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { root } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'

let folder = ''
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, stdio: 'pipe' })
const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
const changelog = (text: string) => write('CHANGELOG.md', `# Changelog\n\n${text}`)
const release = () => {
  const args = [join(root, 'scripts/release.mjs'), '--dry-run']
  const env = { ...process.env, RELEASE_ROOT: folder }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { status, said: (stdout + stderr).trim().split('\n') }
}

beforeEach(() => {
  folder = temporaryFolder()
  git('init', '--initial-branch', 'main')
  for (const file of ['package.json', 'package-lock.json']) write(file, '{ "version": "1.2.0" }')
  changelog('## Unreleased\n\n## 1.2.0\n\n- More.\n\n## 1.1.0\n\n- Less.\n')
  git('add', '.')
  git('commit', '--message', 'all')
})

it('what is committed, numbered and described can be released', () => {
  expect(release()).toEqual({ status: 0, said: ['v1.2.0 can be released'] })
})

it.each<[string, () => void, string]>([
  ['a change that is not committed', () => write('new', ''), 'the work tree is not clean'],
  ['another branch', () => git('switch', '--create', 'other'), 'expected the branch main'],
  ['a tag that exists', () => git('tag', 'v1.2.0'), 'the tag v1.2.0 exists already'],
  ['no section', () => changelog('## 1.1.0\n\n- Less.\n'), 'CHANGELOG.md: expected a section "## 1.2.0"'],
  ['an empty section', () => changelog('## 1.2.0\n\n## 1.1.0\n\n- Less.\n'), 'expected a section "## 1.2.0"'],
  [
    'changes without a version',
    () => changelog('## Unreleased\n\n- A.\n\n## 1.2.0\n\n- B.\n'),
    'under "## Unreleased"',
  ],
  ['a lock of another version', () => write('package-lock.json', '{ "version": "1.1.0" }'), 'is of version 1.1.0'],
])('%s is refused', (_what, change, problem) => {
  change()
  const { status, said } = release()
  expect(status).toBe(1)
  expect(said.some((line) => line.includes(problem))).toBe(true)
})

it('the version here has its section', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).toContain(`\n## ${version}\n`)
})
