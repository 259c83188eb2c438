/**
 * ONNX's messages, as far as Mokapot writes them. Field numbers are those of onnx/onnx.proto (IR version 8), the names are
 * its own; protobufjs keeps them as they are written.
 */

import protobuf from 'protobufjs';

const PROTO = `
syntax = "proto2";
package onnx;
message AttributeProto {
  optional string name = 1;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  optional TensorProto t = 5;
  optional GraphProto g = 6;
  repeated float floats = 7;
  repeated int64 ints = 8;
  optional int32 type = 20;
}
message ValueInfoProto {
  optional string name = 1;
  optional TypeProto type = 2;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated AttributeProto attribute = 5;
  optional string domain = 7;
}
message ModelProto {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional string producer_version = 3;
  optional string doc_string = 6;
  optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
}
message StringStringEntryProto {
  optional string key = 1;
  optional string value = 2;
}
message GraphProto {
  repeated NodeProto node = 1;
  optional string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message TensorProto {
  repeated int64 dims = 1;
  optional int32 data_type = 2;
  optional string name = 8;
  optional bytes raw_data = 9;
  repeated StringStringEntryProto external_data = 13;
  optional int32 data_location = 14;
}
message TensorShapeProto {
  message Dimension {
    optional int64 dim_value = 1;
    optional string dim_param = 2;
  }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor {
    optional int32 elem_type = 1;
    optional TensorShapeProto shape = 2;
  }
  message Sequence {
    optional TypeProto elem_type = 1;
  }
  optional Tensor tensor_type = 1;
  optional Sequence sequence_type = 4;
}
message OperatorSetIdProto {
  optional string domain = 1;
  optional int64 version = 2;
}
`;

/** AttributeProto.AttributeType. */
export const AttributeKind = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, GRAPH: 5, FLOATS: 6, INTS: 7 } as const;

/** TensorProto.DataType. */
export const ElementType = { FLOAT: 1, INT32: 6, INT64: 7, BOOL: 9 } as const;
export type ElementType = (typeof ElementType)[keyof typeof ElementType];

export interface TensorProto {
  readonly name?: string;
  readonly dims: readonly number[];
  readonly data_type: ElementType;
  /** Little-endian; empty where the numbers are elsewhere. */
  readonly raw_data: Uint8Array;
  /** Where else the numbers are: `location`, `offset`, `length`. */
  readonly external_data?: readonly { readonly key: string; readonly value: string }[];
  /** 1: elsewhere. */
  readonly data_location?: number;
}

export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

export interface NodeProto {
  readonly name: string;
  readonly op_type: string;
  readonly domain?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

export interface TypeProto {
  readonly tensor_type?: {
    readonly elem_type: ElementType;
    readonly shape?: { readonly dim: readonly { readonly dim_value?: number; readonly dim_param?: string }[] };
  };
  readonly sequence_type?: { readonly elem_type: TypeProto };
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto;
}

export interface GraphProto {
  readonly name: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface ModelProto {
  readonly ir_version: number;
  readonly producer_name: string;
  readonly producer_version?: string;
  readonly doc_string?: string;
  readonly graph: GraphProto;
  readonly opset_import: readonly { readonly domain: string; readonly version: number }[];
}

let modelType: protobuf.Type | undefined;

/** The file's bytes. */
export function encodeModel(model: ModelProto): Uint8Array {
  modelType ??= protobuf.parse(PROTO, { keepCase: true }).root.lookupType('onnx.ModelProto');
  return modelType.encode(model as unknown as protobuf.Message).finish();
}
