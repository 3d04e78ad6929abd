/**
 * Processes of a real server that crash or stand still under load. Afterwards every acknowledged
 * call is once in the log files and in the history, fsck is clean and the digests are valid.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  type ClewServer,
  makeDataFolder,
  removeFolder,
  startClew,
} from '../conformance/clew-server.ts'
import { type Callers, newAcknowledged, setUp, startCallers } from '../soak/callers.ts'
import { complaintsOf, judge } from '../soak/judge.ts'
import { identity, longWrite } from '../soak/mixed-calls.ts'
import { type RoleName, rolesOf, signalRole, until } from '../soak/processes.ts'
import { openCallClient } from '../soak/signed-call.ts'

const skip = process.platform === 'linux' ? false : 'SKIPPED: processes are found in /proc'
const CALLS = 30

const more = (callers: Callers, calls = CALLS): Promise<void> => {
  const goal = callers.answered() + calls
  return until(`${calls} more calls are answered`, () => callers.answered() >= goal)
}

describe('processes that crash or stand still', { skip }, () => {
  const acknowledged = newAcknowledged()
  const turn = { next: 0 }
  const data = makeDataFolder()
  let clew: ClewServer
  let callers: Callers
  const load = (): Callers =>
    startCallers(clew, acknowledged, { callers: 4, turn, stopAtFailure: false })

  before(async () => {
    clew = await startClew({ data })
    await setUp(clew, acknowledged)
    callers = load()
  })
  after(async () => {
    await callers.stop()
    await clew.kill()
    removeFolder(data)
  })

  const crash = async (role: RoleName): Promise<void> => {
    await more(callers)
    const before = rolesOf(data)[role]
    assert.ok(signalRole(data, role, 'SIGKILL'))
    await until(`a new ${role}`, () => ![before, undefined].includes(rolesOf(data)[role]))
    await more(callers)
    await clew.flush()
  }

  it('goes on after a crash of the writer', () => crash('writer'))
  it('goes on after a crash of the front', () => crash('front'))

  it('answers while the writer stands still, and completes afterwards', async () => {
    signalRole(data, 'writer', 'SIGSTOP')
    await more(callers, 2 * CALLS)
    signalRole(data, 'writer', 'SIGCONT')
    await clew.flush()
  })

  it('answers again after the front stood still', async () => {
    signalRole(data, 'front', 'SIGSTOP')
    signalRole(data, 'writer', 'SIGKILL')
    await until('a new writer', () => rolesOf(data).writer !== undefined)
    signalRole(data, 'front', 'SIGCONT')
    await more(callers)
    await clew.flush()
  })

  it('ends its children when the supervisor is killed', async () => {
    const { front, writer } = rolesOf(data)
    const alive = (pid: number | undefined): boolean => {
      try {
        return pid !== undefined && process.kill(pid, 0)
      } catch {
        return false // ESRCH: it is gone
      }
    }
    signalRole(data, 'supervisor', 'SIGKILL')
    await until('the children end', () => !alive(front) && !alive(writer))
    await callers.stop()
    clew = await startClew({ data })
    callers = load()
    await more(callers)
  })

  it('has every acknowledged call once', async () => {
    await callers.stop()
    const verdict = await judge(clew, acknowledged)
    assert.ok(verdict.acknowledged > 7 * CALLS, `${verdict.acknowledged} acknowledged`)
    assert.equal(complaintsOf(verdict), '')
  })
})

describe('a journal that is full', { skip }, () => {
  const acknowledged = newAcknowledged()
  const data = makeDataFolder()
  let clew: ClewServer
  before(async () => {
    // The journal takes some hundred calls while nobody consumes it.
    const bounds = ['--journal-max-bytes', '1MiB', '--journal-segment-bytes', '64KiB']
    clew = await startClew({ data, flags: bounds })
    await setUp(clew, acknowledged)
  })
  after(async () => {
    await clew.kill()
    removeFolder(data)
  })

  it('refuses writes, spools reads, and completes when the writer goes on', async () => {
    using client = openCallClient(8)
    signalRole(data, 'writer', 'SIGSTOP')
    let status = 200
    const write = async (turn: number): Promise<void> => {
      const answer = await client.send(clew, longWrite(turn))
      if (answer.status < 500) acknowledged.management.add(answer.requestId)
      else status = answer.status
    }
    for (let turn = 0; status < 500; turn += 8) {
      assert.ok(turn < 5_000, 'the journal must fill')
      await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((each) => write(turn + each)))
    }
    assert.equal(status, 503)
    for (let turn = 0; turn < 20; turn++) {
      const { status: read, requestId } = await client.send(clew, identity)
      assert.equal(read, 200)
      acknowledged.management.add(requestId)
    }
    signalRole(data, 'writer', 'SIGCONT')
    // Open windows hold the delivery's cursor, and so the journal, for up to five minutes.
    await clew.flush()
    for (let turn = 0; status >= 500; turn++) {
      assert.ok(turn < 500, 'writes must be taken again')
      status = 200
      await write(turn)
      if (status >= 500) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.equal(complaintsOf(await judge(clew, acknowledged)), '')
  })
})
