// meanfield: the wind tunnel for wide-network SGD. What a user imports; each name is documented where it is defined.

export type { DrawOptions, StreamKey } from "./engine/draws";
export { backends, type Engine, loadEngine } from "./engine/engine";
export { CheckpointError, DivergenceError, SpecError } from "./engine/errors";
export type { Backend } from "./engine/kernels";
export type { StencilStage } from "./engine/stencil";
export { canonicalJson, specHash } from "./io/canonical";
export type { ArrayNames, TableColumns } from "./io/datasets";
export type { DataFile } from "./io/files";
export { measureFromJson, measureToJson } from "./io/measure";
export {
  datasetFromFile,
  datasetFromNpz,
  datasetFromTable,
  measureFromNpz,
  measureFromTable,
  measureToNpz,
  measureToTable,
  readDataFile,
  tableFromCsv,
  tableFromParquet,
  tensorsFromNpz,
  tensorsToNpz,
  trajectoryFromNpz,
  trajectoryFromTable,
  trajectoryToNpz,
  trajectoryToTable,
} from "./io/onDemand";
export { parseRunSpec, type RunSpec, type RunSpecInput, runSpecToJson } from "./io/spec";
export {
  type Cell,
  type Column,
  type DataTable,
  tableFromJson,
  tableToCsv,
  tableToJson,
  tableToParquet,
} from "./io/table";
export { ensembleFromJson, ensembleToJson, trajectoryFromJson, trajectoryToJson } from "./io/trajectory";
export type { GaussNewtonOptions, GaussNewtonStep } from "./kernel/gaussNewton";
export type { GramOptions, Matrix } from "./kernel/gram";
export {
  type ArcCosineKernel,
  arcCosine,
  type ErfKernel,
  erfKernel,
  type Kernel,
  type MaternKernel,
  matern,
  type NngpKernel,
  type NtkKernel,
  nngp,
  ntk,
  type RbfKernel,
  rbf,
} from "./kernel/kernel";
export type { KernelMatrix } from "./kernel/matrixInput";
export { gaussNewtonStep, gram, kernelRegression, tangentGram } from "./kernel/onDemand";
export type {
  KernelRegression,
  LeaveOneOut,
  RegressionFlow,
  RegressionOptions,
  RegressionValues,
} from "./kernel/regression";
export type { DenseSpectrum } from "./landscape/denseSpectrum";
export type { GibbsMasses, GibbsOptions } from "./landscape/gibbsMasses";
export type { GradientNoise, NoiseOptions } from "./landscape/gradientNoise";
export type { InformationOptions, InformationSharpness } from "./landscape/informationSharpness";
export type { Eigenvalues, LanczosOptions } from "./landscape/lanczos";
export type { Landscape, LandscapeOptions } from "./landscape/landscape";
export type { LinearConvention, LinearFlow, LinearFlowOptions, RidgeGap } from "./landscape/linearFlow";
export type { LinearRisk, LinearRiskOptions, LinearRisks } from "./landscape/linearRisk";
export type { ModifiedLoss, ModifiedLossOptions } from "./landscape/modifiedLoss";
export {
  denseSpectrum,
  gibbsMasses,
  gradientNoise,
  informationSharpness,
  lanczos,
  landscapeOf,
  linearFlow,
  matrixOperator,
  modifiedLoss,
  reluRescaled,
  reluScales,
  rescaled,
  sharpnessOf,
  spectralDensity,
  spectralMean,
  traceOf,
} from "./landscape/onDemand";
export type { Operator } from "./landscape/operator";
export type { DensityOptions, SpectralDensity } from "./landscape/spectralDensity";
export type { Trace, TraceOptions } from "./landscape/trace";
export type { Assignment } from "./measure/assignment";
export type { Box, Ends } from "./measure/boxMasses";
export {
  type DerivativeOptions,
  energyOf,
  type FeatureFunctional,
  type FlatDerivative,
  type Functional,
  flatDerivative,
  type IntrinsicDerivative,
  intrinsicDerivative,
} from "./measure/derivatives";
export { kolmogorov, w1, w2 } from "./measure/distance";
export type { EnergyTest, EnergyTestOptions } from "./measure/energy";
export type { EnsembleDistanceOptions, GroundDistance } from "./measure/ensembleDistance";
export type { FreeEnergy } from "./measure/freeEnergy";
export {
  coordinate,
  type Fluctuation,
  type Grid,
  grid as gridMeasure,
  type Marginal,
  type Measure,
  type Particles,
  particles as particleMeasure,
  toRadial,
} from "./measure/measure";
export {
  boxMasses,
  dissipationOf,
  energyDistance,
  energyTest,
  ensembleDistance,
  entropyOf,
  freeEnergyOf,
  negativeSobolev,
  sinkhorn,
  slicedW2,
  w2Assignment,
  wasserstein,
} from "./measure/onDemand";
export { predictionsOf } from "./measure/predictions";
export type { MeasureTerm, SignedMeasure } from "./measure/signed";
export type { SinkhornDivergence, SinkhornOptions } from "./measure/sinkhorn";
export type { SlicedDistance, SlicedOptions } from "./measure/slicedW2";
export {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  relu,
  scaled,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "./model/activation";
export type { Loss } from "./model/labels";
export { anisotropicGaussians, type Dataset, dataset, type Law, mixture, noExamples, teacher } from "./model/law";
export type { LinearProblem } from "./model/linearObjective";
export type { Objective } from "./model/objective";
export { externalPotential, interaction, peaks, peaksAt, populationField, quadrature } from "./model/onDemand";
export type { PeaksOptions } from "./model/peaks";
export type { PopulationField, PopulationOptions, PopulationProblem } from "./model/population";
export { localPotential, type Potential, quadratic, separable } from "./model/potential";
export { type Problem, type ProblemInput, parseProblem, potentialProblem } from "./model/problem";
export type { QuadratureOptions } from "./model/quadrature";
export { densityStart, gaussian, particles, radii, type Start } from "./model/start";
export { type Tensor, type TensorLike, tensor } from "./model/tensor";
export { affine, ridge, type Unit } from "./model/unit";
export type { NoiseCovariance, NoiseCovarianceOptions } from "./process/noiseCovariance";
export type { Simulation, Watch } from "./process/process";
export {
  type AdamProcess,
  adam,
  type Correction,
  type CorrelatedNoiseProcess,
  correlatedNoise,
  type FluctuationsProcess,
  type FokkerPlanckProcess,
  fluctuations,
  fokkerPlanck,
  type GradientDescentProcess,
  type GradientFlowProcess,
  gradientDescent,
  gradientFlow,
  type LangevinProcess,
  langevin,
  type ModifiedFlowProcess,
  modifiedFlow,
  type NonlinearProcess,
  nonlinear,
  type Process,
  parseProcess,
  type RadialFlowProcess,
  radialFlow,
  type Schedule,
  type SgdProcess,
  type SmfeGridProcess,
  sgd,
  smfeGrid,
} from "./process/schema";
export { type Stream, stream } from "./random/stream";
export { type Comparison, compare, type Gap } from "./study/compare";
export {
  type CoupledDynamics,
  type CoupledGap,
  type CoupledGapName,
  type CoupleOptions,
  type Coupling,
  couple,
  coupledDynamics,
  coupledGaps,
  type ParameterGap,
  type StatisticGap,
} from "./study/couple";
export type { CatapultOptions, CatapultRun, CatapultStart } from "./study/edge/catapult";
export type {
  CentralTrack,
  EdgeMeans,
  EdgeOfStability,
  EdgeOptions,
  EdgeRun,
  EdgeTrack,
} from "./study/edge/edgeOfStability";
export { type Ensemble, type EnsembleObserved, type EnsembleOptions, ensemble } from "./study/ensemble";
export type { CovarianceOptions, FluctuationCovariance, LinearStatistic } from "./study/fluctuationCovariance";
export type { LazyDial, LazyDialOptions, LazyPoint, LazyStatistic } from "./study/lazyDial";
export type { LinearModelMoments, LinearModelOptions } from "./study/linearModel";
export type { LinearMoments, MomentOptions } from "./study/objective/linearMoments";
export type { NetworkObjective } from "./study/objective/network";
export type { WeakOrder } from "./study/objective/order";
export type { ObjectivePaths, PathOptions } from "./study/objective/paths";
export type { ScheduledMoments, ScheduledOptions } from "./study/objective/scheduledMoments";
export type { QuadraticMinimum, StationaryCovariance, StationaryOptions } from "./study/objective/stationaryCovariance";
export type { ComparedFlow, Estimate, FlowErrors, WeakErrorOptions, WeakErrors } from "./study/objective/weakErrors";
export {
  accuracy,
  density,
  dissipation,
  entropy,
  freeEnergy,
  histogram,
  type LocalObservable,
  moments,
  type Observable,
  type Observables,
  type Observed,
  parameters,
  predictions,
  quantiles,
  risk,
  sharpness,
} from "./study/observables";
export {
  catapult,
  catapultProblem,
  edgeOfStability,
  fluctuationCovariance,
  hessianNorm,
  lazyDial,
  linearModelMoments,
  linearMoments,
  linearObjective,
  networkObjective,
  noiseCovariance,
  objectivePaths,
  predictionBands,
  scheduledMoments,
  stationaryCovariance,
  weakErrors,
  widthStudy,
} from "./study/onDemand";
export { open } from "./study/open";
export type { Band, BandOptions, PredictionBands } from "./study/predictionBands";
export { type Rate, type RateOptions, rate } from "./study/rate";
export { type Progress, type Provenance, type SolveOptions, solve, type Trajectory } from "./study/solve";
export { type StationaryLaw, stationaryLaw } from "./study/stationaryLaw";
export { type Sweep, type SweepOptions, type SweepPoint, type SweepProgress, sweep } from "./study/sweep";
export type { SweepBase, Vary } from "./study/sweepPoints";
export { everySteps, logSpaced } from "./study/times";
export type { WidthOptions, WidthPoint, WidthStudy } from "./study/widthStudy";
export { version } from "./version";
