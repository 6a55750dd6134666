export interface CollectorMetrics {}
