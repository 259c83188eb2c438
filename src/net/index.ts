/** The network: from a NetParameter to a layer graph, from there to IR; `describe` for people. */

export { augmentLabels } from './checks/augment_labels.js';
export type { Check, CheckOptions, TrainedBy } from './checks/check.js';
export { checks } from './checks/documented.js';
export { runChecks } from './checks/index.js';
export { lateStatistics } from './checks/late_statistics.js';
export { trainedBy } from './checks/trained_by.js';
export { isLoss } from './checks/walk.js';
export { type CompileResult, compileNet, compileSelected, tryCompileNet } from './compile.js';
export { type CoordMap, type CropAlignment, coordMapFromTo, cropAlignment } from './coord_map.js';
export { type Deployed, type DeployOptions, deployText } from './deploy.js';
export {
  type DescribedBlob,
  type DescribedLayer,
  type DescribedParam,
  type DescribeOptions,
  type Description,
  describe,
  describeGraph,
} from './describe.js';
export { type DiffSide, diffMessages, diffNets, type FieldChange, type NetDiff, type ShapeChange } from './diff.js';
export {
  describeField,
  type ExplainedBlob,
  type ExplainedField,
  type ExplainedLayer,
  type ExplainedType,
  explainLayer,
  explainType,
  whereKnown,
} from './explain.js';
export { layersInState, meetsRule, netState, type SelectedNet, type State, selectLayers } from './filter.js';
export { entryOf, isDataLayer, isInputLayer, picturesOf } from './inputs.js';
export {
  beforeSplits,
  blobsAcross,
  fetched,
  isFed,
  LOSS,
  type LoweredNet,
  type LowerOptions,
  labelled,
  labelName,
  lowerNet,
  writtenName,
} from './lower.js';
export { paramFields } from './param_fields.js';
export { insertSplits } from './splits.js';
export {
  asksForState,
  type DescribeRequest,
  describeFile,
  fedStates,
  type StateOptions,
  stateFrom,
  statesOf,
  type UseState,
  withoutRepeats,
} from './states.js';
export type * from './types.js';
