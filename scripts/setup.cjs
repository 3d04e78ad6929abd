'use strict'
// Runs before every npm script, on whatever Node.js the machine has (>= 20), before any dependency
// exists: installs what the lock file says into node_modules when that differs from what is there,
// and with --python the clients of the conformance tests into .venv. Plain JavaScript for that reason.
const { createHash } = require('node:crypto')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const modules = path.join(root, 'node_modules')
const lock = path.join(root, '.setup.lock')
const quiet = process.argv.includes('--quiet')
const LOCK_WAIT_SECONDS_MAX = 600
const NODE_MINIMUM = [24, 12]

const say = (text) => process.stderr.write(`${text}\n`)
const stop = (text) => {
  say(text)
  process.exit(2)
}
const hashOf = (...parts) => createHash('sha256').update(parts.join('\n')).digest('hex')
const readOr = (file, otherwise) => {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    return otherwise // absent: the caller treats it as never installed
  }
}
const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Two npm scripts started together must not install over each other. */
const takeLock = () => {
  for (let waited = 0; waited < LOCK_WAIT_SECONDS_MAX; waited++) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' })
      process.on('exit', () => fs.rmSync(lock, { force: true }))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const holder = Number(readOr(lock, '0'))
      if (holder > 0 && !alive(holder)) {
        fs.rmSync(lock, { force: true })
        continue
      }
      if (waited === 0) say('Waiting for another set-up of this checkout to end.')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    }
  }
  stop(`The lock ${path.basename(lock)} is still held; remove it if no set-up runs.`)
}

/** `clew serve` leaves node_modules/.clew-running/<pid> while it runs. */
const runningServers = () => {
  try {
    return fs
      .readdirSync(path.join(modules, '.clew-running'))
      .map(Number)
      .filter((pid) => pid > 0 && alive(pid))
  } catch {
    return [] // the folder appears with the first server
  }
}

const run = (command, args, what) => {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.error) stop(`${what} could not start: ${result.error.message}`)
  if (result.status !== 0) stop(`${what} failed with exit code ${result.status}.`)
}

/** What a folder was installed from, and what it should be: `isDone` when the two are the same. */
const installation = (folder, ...sources) => {
  const wanted = hashOf(...sources)
  const stamp = path.join(folder, '.clew-stamp')
  return {
    isDone: () => readOr(stamp, '') === wanted,
    done: () => fs.writeFileSync(stamp, wanted),
  }
}

const packages = installation(
  modules,
  readOr(path.join(root, 'package-lock.json'), ''),
  process.platform,
  process.arch,
)
const requirements = path.join(root, 'test', 'requirements.txt')
const venv = path.join(root, '.venv')
const clients = installation(venv, readOr(requirements, ''))
const wantsPython = process.argv.includes('--python')

const installNode = () => {
  if (packages.isDone()) return
  const servers = runningServers()
  if (servers.length > 0) {
    stop(
      `The lock file changed, but a server of this checkout is running (process ${servers.join(', ')}). Stop it first, then run the command again.`,
    )
  }
  say(
    'Installing the npm packages that package-lock.json names (first run, or the lock file changed).',
  )
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel', 'error'], '`npm ci`')
  packages.done()
}

const checkNode = () => {
  const own = path.join(modules, '.bin', 'node')
  const command = fs.existsSync(own) ? own : 'node'
  const version = spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? 'none'
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
  if (major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1])) return
  stop(
    `Clew needs Node.js ${NODE_MINIMUM.join('.')} or newer and found ${version}. There is no packaged Node.js for ${process.platform}-${process.arch}: install Node.js 24.`,
  )
}

const installPython = () => {
  if (clients.isDone()) return
  if (spawnSync('python3', ['--version']).status !== 0) {
    stop('The conformance tests need Python 3 (Debian package python3): `python3` was not found.')
  }
  if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status !== 0) {
    stop(
      "The conformance tests need Python's venv module: install the Debian package python3-venv.",
    )
  }
  say('Installing the AWS CLI, boto3 and moto for the conformance tests into .venv.')
  run('python3', ['-m', 'venv', '--clear', venv], '`python3 -m venv`')
  const pip = path.join(venv, 'bin', 'pip')
  run(
    pip,
    ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '-r', requirements],
    '`pip install`',
  )
  clients.done()
}

// What is installed already needs no lock: another set-up may be busy with the other half.
if (!packages.isDone() || (wantsPython && !clients.isDone())) takeLock()
installNode()
checkNode()
if (wantsPython) installPython()
if (!quiet) say('Set-up is complete.')
