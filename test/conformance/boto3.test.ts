/** boto3 against the running service: the assertions are in boto3_story.py. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { removeFolder, startClew, VENV } from './clew-server.ts'
import { pythonMissing, run } from './run-command.ts'

describe('boto3', { skip: pythonMissing }, () => {
  it('finds nothing that is not as AWS does it', async () => {
    const clew = await startClew()
    try {
      const script = join(import.meta.dirname, 'boto3_story.py')
      const result = await run(join(VENV, 'python'), [script], { env: clew.environment })
      assert.equal(result.code, 0, result.stderr)
      assert.equal(result.stdout.trim(), 'ok')
    } finally {
      await clew.stop()
      removeFolder(clew.data)
    }
  })
})
