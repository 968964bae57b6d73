// Makes a release here: checks that it can be one, and tags it. It pushes and publishes nothing; it says what
// would.
//
// The version is the one in package.json, which was committed with its section of CHANGELOG.md before.
//
// Usage: node scripts/release.mjs [--dry-run] --dry-run checks, and neither runs the tests nor tags
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = process.env.RELEASE_ROOT ?? join(dirname(fileURLToPath(import.meta.url)), '..')
const dryRun = process.argv.includes('--dry-run')
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
const read = (file) => readFileSync(join(root, file), 'utf8')

/** The section of the changelog under a heading; undefined where there is none. */
function section(heading) {
  const [, after] = read('CHANGELOG.md').split(`\n## ${heading}\n`)
  return after?.split('\n## ')[0].trim()
}

function problems(version, tag) {
  const lock = JSON.parse(read('package-lock.json')).version
  return [
    git('status', '--porcelain') && 'the work tree is not clean: commit or stash what has changed',
    git('branch', '--show-current') !== 'main' && 'expected the branch main',
    !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) && `package.json: expected a version such as 1.2.3, found ${version}`,
    lock !== version && `package-lock.json is of version ${lock}, package.json of ${version}: run npm install`,
    git('tag', '--list', tag) && `the tag ${tag} exists already: npm version says the next one`,
    !section(version) && `CHANGELOG.md: expected a section "## ${version}" that says what has changed`,
    section('Unreleased') && 'CHANGELOG.md: expected nothing under "## Unreleased": it belongs to the new version',
  ].filter(Boolean)
}

const { version } = JSON.parse(read('package.json'))
const tag = `v${version}`
const found = problems(version, tag)
for (const problem of found) console.error(`release: ${problem}`)
if (found.length > 0) process.exit(1)
if (dryRun) {
  console.log(`${tag} can be released`)
  process.exit(0)
}

execFileSync('.ci/run', { cwd: root, stdio: 'inherit' })
git('tag', '--annotate', tag, '--message', `${tag}\n\n${section(version)}`)
console.log(`${tag} is tagged here. To publish it: git push origin main ${tag} && npm publish`)
