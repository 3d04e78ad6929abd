import assert from 'node:assert/strict'
import { it } from 'node:test'
import { makeDataFolder, removeFolder } from '../../test/conformance/clew-server.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import { openRegionRegistry, REGIONS_MAX } from './region-registry.ts'
import { openSqliteDocuments } from './sqlite-documents.ts'

it('lets regions join once, durably, up to the bound, and nothing that is no region', async (t) => {
  const folder = makeDataFolder()
  const documents = await openSqliteDocuments(`${folder}/documents.sqlite`, {
    clock: systemClock,
    logger: silentLogger,
  })
  t.after(async () => {
    await documents.close()
    removeFolder(folder)
  })
  const regions = await openRegionRegistry(documents, ['us-east-1'])
  for (const region of [
    'eu-west-1',
    'eu-west-1',
    'us-east-1',
    '..',
    '__proto__',
    'x-1'.repeat(20),
  ]) {
    await regions.join(region)
  }
  assert.deepEqual(regions.list(), ['us-east-1', 'eu-west-1'])
  const again = await openRegionRegistry(documents, ['us-east-1'])
  assert.deepEqual(again.list(), ['us-east-1', 'eu-west-1'])
  for (let index = 0; index < REGIONS_MAX + 5; index++) {
    await again.join(`aa-r${index}-1`)
  }
  assert.equal(again.list().length, REGIONS_MAX + 1)
  assert.ok(again.accepts('eu-west-1') && again.accepts('us-east-1'))
  assert.equal(again.accepts('zz-late-1'), false)
  regions.close()
  again.close()
})
