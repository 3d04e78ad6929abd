/**
 * THE table of the CloudTrail API: all 60 operations. A missing row and a handler of another
 * operation do not compile. `docs/coverage.md` is generated from it. Access levels:
 * reference/control-plane.md §E.3 and the IAM lines of §A.
 */
import type { Operation, OperationName } from '../contract/operation.ts'
import { createTrail } from '../trails/operations/create-trail.ts'
import { deleteTrail } from '../trails/operations/delete-trail.ts'
import { describeTrails } from '../trails/operations/describe-trails.ts'
import { getTrail } from '../trails/operations/get-trail.ts'
import { listTrails } from '../trails/operations/list-trails.ts'
import { getTrailStatus } from '../trails/operations/logging/get-trail-status.ts'
import { startLogging } from '../trails/operations/logging/start-logging.ts'
import { stopLogging } from '../trails/operations/logging/stop-logging.ts'
import { getEventSelectors } from '../trails/operations/selectors/get-event-selectors.ts'
import { putEventSelectors } from '../trails/operations/selectors/put-event-selectors.ts'
import { addTags } from '../trails/operations/tags/add-tags.ts'
import { listTags } from '../trails/operations/tags/list-tags.ts'
import { removeTags } from '../trails/operations/tags/remove-tags.ts'
import { updateTrail } from '../trails/operations/update-trail.ts'
import {
  type AccessLevel,
  built,
  type OperationDeps,
  type OperationTable,
  type UnsupportedParameter,
  type UnsupportedParameters,
  unsupported,
} from './operation-row.ts'

const LAKE = 'event data stores are not built yet'
const QUERIES = 'queries over event data stores are not built yet'
const DASHBOARDS = 'dashboards are not built yet'
const IMPORTS = 'imports into event data stores are not built yet'
const CHANNELS = 'channels are not built yet'
const FEDERATION = 'federation of event data stores is not built yet'
const INSIGHTS = 'Insights are not built yet'
const ORGANIZATIONS = 'organizations are not built yet'
const CONFIGURATION = 'event configurations are not built yet'

/** What a trail can be asked for and this release does not do. */
const TRAIL_PARAMETERS = {
  CloudWatchLogsLogGroupArn: {
    why: 'delivery to CloudWatch Logs is not built yet',
    except: [''],
  },
  CloudWatchLogsRoleArn: { why: 'delivery to CloudWatch Logs is not built yet', except: [''] },
  IsOrganizationTrail: { why: ORGANIZATIONS, except: [false] },
  KmsKeyId: { why: 'log files are not encrypted with KMS keys yet', except: [''] },
  SnsTopicName: { why: 'notifications to SNS topics are not built yet', except: [''] },
} as const satisfies Record<string, UnsupportedParameter>

export const OPERATIONS: OperationTable = {
  AddTags: built('Tagging', addTags),
  CancelQuery: unsupported('Write', QUERIES),
  CreateChannel: unsupported('Write', CHANNELS),
  CreateDashboard: unsupported('Write', DASHBOARDS),
  CreateEventDataStore: unsupported('Write', LAKE),
  CreateTrail: built('Write', createTrail, { unsupportedParameters: TRAIL_PARAMETERS }),
  DeleteChannel: unsupported('Write', CHANNELS),
  DeleteDashboard: unsupported('Write', DASHBOARDS),
  DeleteEventDataStore: unsupported('Write', LAKE),
  DeleteResourcePolicy: unsupported('Write', LAKE),
  DeleteTrail: built('Write', deleteTrail),
  DeregisterOrganizationDelegatedAdmin: unsupported('Write', ORGANIZATIONS),
  DescribeQuery: unsupported('Read', QUERIES),
  DescribeTrails: built('Read', describeTrails),
  DisableFederation: unsupported('Write', FEDERATION),
  EnableFederation: unsupported('Write', FEDERATION),
  GenerateQuery: unsupported('Write', QUERIES),
  GetChannel: unsupported('Read', CHANNELS),
  GetDashboard: unsupported('Read', DASHBOARDS),
  GetEventConfiguration: unsupported('Read', CONFIGURATION),
  GetEventDataStore: unsupported('Read', LAKE),
  GetEventSelectors: built('Read', getEventSelectors),
  GetImport: unsupported('Read', IMPORTS),
  GetInsightSelectors: unsupported('Read', INSIGHTS),
  GetQueryResults: unsupported('Read', QUERIES),
  GetResourcePolicy: unsupported('Read', LAKE),
  GetTrail: built('Read', getTrail),
  GetTrailStatus: built('Read', getTrailStatus),
  ListChannels: unsupported('List', CHANNELS),
  ListDashboards: unsupported('List', DASHBOARDS),
  ListEventDataStores: unsupported('List', LAKE),
  ListImportFailures: unsupported('Read', IMPORTS),
  ListImports: unsupported('List', IMPORTS),
  ListInsightsData: unsupported('List', INSIGHTS),
  ListInsightsMetricData: unsupported('Read', INSIGHTS, 'LookupEvents'),
  ListPublicKeys: built('Read', ({ listPublicKeys }) => listPublicKeys),
  ListQueries: unsupported('List', QUERIES),
  ListTags: built('Read', listTags),
  ListTrails: built('List', listTrails),
  LookupEvents: built('Read', ({ lookupEvents }) => lookupEvents),
  PutEventConfiguration: unsupported('Write', CONFIGURATION),
  PutEventSelectors: built('Write', putEventSelectors),
  PutInsightSelectors: unsupported('Write', INSIGHTS),
  PutResourcePolicy: unsupported('Write', LAKE),
  RegisterOrganizationDelegatedAdmin: unsupported('Write', ORGANIZATIONS),
  RemoveTags: built('Tagging', removeTags),
  RestoreEventDataStore: unsupported('Write', LAKE),
  SearchSampleQueries: unsupported('Read', QUERIES),
  StartDashboardRefresh: unsupported('Write', DASHBOARDS),
  StartEventDataStoreIngestion: unsupported('Write', LAKE),
  StartImport: unsupported('Write', IMPORTS),
  StartLogging: built('Write', startLogging),
  StartQuery: unsupported('Write', QUERIES),
  StopEventDataStoreIngestion: unsupported('Write', LAKE),
  StopImport: unsupported('Write', IMPORTS),
  StopLogging: built('Write', stopLogging),
  UpdateChannel: unsupported('Write', CHANNELS),
  UpdateDashboard: unsupported('Write', DASHBOARDS),
  UpdateEventDataStore: unsupported('Write', LAKE),
  UpdateTrail: built('Write', updateTrail, { unsupportedParameters: TRAIL_PARAMETERS }),
}

/** One operation, ready to run. */
export interface ReadyOperation<Name extends OperationName> {
  readonly access: AccessLevel
  /** `cloudtrail:…` */
  readonly action: string
  readonly unsupportedParameters: UnsupportedParameters<Name> | undefined
  readonly handler: Operation<Name> | { readonly unsupported: string }
}

export type Operations = { readonly [Name in OperationName]: ReadyOperation<Name> }

const readyOf = <Name extends OperationName>(
  name: Name,
  deps: OperationDeps,
): ReadyOperation<Name> => {
  const row: OperationTable[Name] = OPERATIONS[name]
  const { access, action = name } = row
  return {
    access,
    action: `cloudtrail:${action}`,
    unsupportedParameters: 'make' in row ? row.unsupportedParameters : undefined,
    handler: 'make' in row ? row.make(deps) : { unsupported: row.unsupported },
  }
}

export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[]

/** The table with its handlers made. */
export const createOperations = (deps: OperationDeps): Operations =>
  Object.fromEntries(OPERATION_NAMES.map((name) => [name, readyOf(name, deps)])) as Operations
