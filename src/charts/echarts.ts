/** What is used of ECharts. The build puts it into this file's place as one module (scripts/bundle-cli.mjs): it is 600 small ones. */

export {
  type BarSeriesOption,
  type ECharts,
  type EChartsOption,
  init,
  type LineSeriesOption,
  type SeriesOption,
} from 'echarts';
