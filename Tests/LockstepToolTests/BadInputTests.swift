// Bad input of the commands that work with tables and models: one sentence each that names what is wrong, an exit code,
// and nothing written.

import ComputeBackend
import Foundation
import Testing

@testable import Lockstep

/// A command line that must fail.
private struct Mistake: CustomStringConvertible {
  let words: [String]
  let exitCode: Int32
  /// What the sentence must contain.
  let says: [String]

  init(_ words: String, _ exitCode: Int32, _ says: String...) {
    self.words = words.split(separator: " ").map(String.init)
    self.exitCode = exitCode
    self.says = says
  }

  var description: String { words.joined(separator: " ") }
}

/// The files that the mistakes name.
private func writeFiles(_ folder: TemporaryFolder) throws {
  try folder.write("good.csv", "a,b,y\n1,2,3\n2,3,4\n4,5,5\n")
  try folder.write("empty.csv", "")
  try folder.write("header.csv", "a,b,y\n")
  try folder.write("ragged.csv", "a,b,y\n1,2,3\n1,2\n")
  try folder.write("text.csv", "a,b,y\n1,2,3\n1,two,3\n")
  try folder.write("hole.csv", "a,b,y\n1,,3\n")
  try folder.write("nan.csv", "a,b,y\n1,nan,3\n")
  try folder.write("large.csv", "a,b,y\n1,1e39,3\n")
  try folder.write("twice.csv", "a,a,y\n1,2,3\n")
  try folder.write("wide.csv", "a,b,c,y\n1,2,3,4\n")
  try folder.write("other.csv", "a,c,y\n1,2,3\n")
  try folder.write("inputs.csv", "a,b\n1,2\n")
  try folder.write("words.csv", "a,b,y\nred,1,3\nblue,2,3\n,3,3\n")
  try folder.write("semicolons.csv", "a;b;y\n1;2;3\n")
  try folder.write("classes.csv", "\"a\nb\",p,q\n1,1,0\n\"2\",0.25,0.75\n3,0.5,0.6\n4,-1,2\n")
  try folder.write("capital.csv", "a,B,y\n1,2,3\n")
  try folder.write("rooms.csv", "room,b,y\n1,2,3\n2,3,4\n")
  try folder.write("binary.csv", [0x61, 0xFF, 0x0A, 0x31, 0x0A])

  try FileManager.default.createSymbolicLink(atPath: folder.file("link.csv"), withDestinationPath: "good.csv")
  try FileManager.default.createSymbolicLink(atPath: folder.file("dangling.st"), withDestinationPath: "new.st")
  try FileManager.default.linkItem(atPath: folder.file("good.csv"), toPath: folder.file("hard.csv"))

  let network = try Network<Float>(sizes: [2, 3, 1], hidden: .relu, seed: 1)
  let description = ModelDescription(loss: .meanSquaredError, inputColumns: ["a", "b"], targetColumns: ["y"])
  let model = network.modelFile(description: description)
  try model.write(to: folder.file("model.st"))
  try SafetensorsFile(tensors: model.tensors).write(to: folder.file("bare.st"))
  try SafetensorsFile(tensors: []).write(to: folder.file("no-layers.st"))
  try Gradients(loss: 0, layers: network.layers).write(to: folder.file("gradients.st"), description: description)
  let infinite = Network(
    shapedAs: network, parametersInFileOrder: [.infinity] + network.parametersInFileOrder.dropFirst())
  try infinite.write(to: folder.file("infinite.st"), description: description)
  let whole = Array(try bytes(folder.file("model.st")))
  try folder.write("cut.st", whole.dropLast(2))
  try folder.write("long.st", whole + [0])
  try folder.write("claims.st", [0xFF, 0xFF, 0, 0, 0, 0, 0, 0] + whole.dropFirst(8))
  try folder.write("noise.st", [7, 8, 9, 10, 11, 12, 13, 14, 15])
  try folder.write("archive.st", Array("PK\u{3}\u{4}\0\0\u{8}\u{8}\0\0".utf8))
  try folder.write("array.st", [0x93] + Array("NUMPY\u{1}\0v\0".utf8))
  func raw(_ name: String, _ header: String, dataBytes: Int) throws {
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    try folder.write(name, length + Array(header.utf8) + [UInt8](repeating: 0, count: dataBytes))
  }
  try raw(
    "overlap.st",
    #"{"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    dataBytes: 8)
  try raw(
    "half.st",
    #"{"0.weight":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"0.bias":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}"#,
    dataBytes: 6)
}

@Suite struct BadInputTests {
  private static let tables = [
    Mistake("train none.csv --target y --model out", 1, "none.csv", "no such file"),
    Mistake("train . --target y --model out", 1, "folder"),
    Mistake("train empty.csv --target y --model out", 1, "empty.csv", "empty"),
    Mistake("train header.csv --target y --model out", 1, "header.csv", "no rows"),
    Mistake("train ragged.csv --target y --model out", 1, "ragged.csv, line 3", "expected 3 fields", "found 2"),
    Mistake("train text.csv --target y --model out", 1, "text.csv, line 3, column \"b\"", "\"two\""),
    Mistake("train hole.csv --target y --model out", 1, "hole.csv, line 2, column \"b\"", "empty"),
    Mistake("train nan.csv --target y --model out", 1, "nan.csv, line 2, column \"b\"", "\"nan\""),
    Mistake("train large.csv --target y --model out", 1, "large.csv, line 2, column \"b\"", "precision f32"),
    Mistake("train twice.csv --target y --model out", 1, "twice.csv", "\"a\""),
    Mistake("train binary.csv --target y --model out", 1, "binary.csv, line 1", "UTF-8"),
    Mistake("train good.csv --target z --model out", 1, "good.csv", "no column \"z\"", "\"a\", \"b\", \"y\""),
    Mistake("train good.csv --target a,b,y --model out", 1, "good.csv", "no input is left"),
    Mistake("train good.csv --target y --model none/out", 1, "none/out", "folder does not exist"),
    Mistake("train good.csv --target y --model .", 1, "folder"),
  ]

  private static let trainOptions = [
    Mistake("train", 2, "DATA is missing"),
    Mistake("train good.csv --model out", 2, "--target", "missing", "\"a\", \"b\", \"y\"", "--labels"),
    Mistake("train words.csv --target a,y --model out", 1, "words.csv, column \"a\"", "must be the only one"),
    Mistake("train good.csv --target y --decimal ; --model out", 2, "--decimal is ';'", "a comma"),
    Mistake("train good.csv --target y,y --model out", 2, "--target", "\"y\" twice"),
    Mistake("train good.csv --target y, --model out", 2, "--target is 'y,'"),
    Mistake("train good.csv --target \"y --model out", 2, "--target is '\"y'"),
    Mistake("train good.csv --target y --hidden 3,0 --model out", 2, "--hidden is '3,0'"),
    Mistake("train good.csv --target y --hidden 3,,2 --model out", 2, "--hidden is '3,,2'"),
    Mistake("train good.csv --target y --hidden -3 --model out", 2, "--hidden is '-3'"),
    Mistake("train good.csv --target y --hidden 3x --model out", 2, "--hidden is '3x'"),
    Mistake("train good.csv --target y --hidden 99999999999 --model out", 2, "--hidden is 99999999999", "memory"),
    Mistake("train good.csv --target y --activation mish --model out", 2, "--activation is 'mish'", "leaky-relu"),
    Mistake("train good.csv --target y --loss l1 --model out", 2, "--loss is 'l1'", "cross-entropy"),
    Mistake("train words.csv --target y --loss cross-entropy --model out", 1, "words.csv", "at least 2 classes"),
    Mistake("train words.csv --target y --model out", 1, "words.csv, line 4, column \"a\"", "empty"),
    Mistake("train good.csv --target a,b --loss cross-entropy --features c --model out", 1, "no column \"c\""),
    Mistake("train good.csv --target y --features a,a --model out", 2, "--features", "\"a\" twice"),
    Mistake("train good.csv --target y --features a,y --model out", 2, "--features", "\"y\"", "a target"),
    Mistake("train good.csv --target y --categories z --model out", 2, "--categories", "\"z\"", "no input"),
    Mistake("train rooms.csv --target y --categories rooms", 2, "--categories", "\"rooms\"", "did you mean \"room\"?"),
    Mistake("train good.csv --target y --lr 1", 2, "--lr", "did you mean --learning-rate?"),
    Mistake("train good.csv --target y --standardize --scale 2 --model out", 2, "--standardize and --scale"),
    Mistake("train good.csv --target y --scale 0 --model out", 2, "--scale is '0'", "above 0"),
    Mistake("train good.csv --target y --delimiter : --model out", 2, "--delimiter is ':'", "semicolon"),
    Mistake("train semicolons.csv --target y --model out", 1, "semicolons.csv, line 1", "--delimiter ';'"),
    Mistake("train good.csv --target y --memory-limit 0 --model out", 2, "--memory-limit is '0'"),
    Mistake("train good.csv --target y --memory-limit 9999999999T --model out", 2, "--memory-limit is '9999999999T'"),
    Mistake("train good.csv --target y --memory-limit 20 --model out", 1, "good.csv", "24 bytes", "--memory-limit"),
    Mistake("train good.csv --target y --arrays x --model out", 1, "good.csv", "--arrays"),
    Mistake("train good.csv --target y --labels none.csv --model out", 1, "none.csv", "no such file"),
    Mistake("train good.csv --labels wide.csv --model out", 1, "wide.csv", "1 row", "3"),
    Mistake("train good.csv --target y --epochs -1 --model out", 2, "--epochs is '-1'"),
    Mistake("train good.csv --target y --optimizer adagrad", 2, "--optimizer is 'adagrad'", "adamw"),
    Mistake("train good.csv --target y --momentum 0.5", 2, "--momentum", "momentum or nesterov", "not for sgd"),
    Mistake("train good.csv --target y --optimizer adam --smoothing 0.5", 2, "--smoothing", "rmsprop", "not for adam"),
    Mistake("train good.csv --target y --optimizer momentum --momentum 1", 2, "--momentum is '1'", "below 1"),
    Mistake("train good.csv --target y --optimizer adam --betas 0.9", 2, "--betas is '0.9'", "two numbers"),
    Mistake("train good.csv --target y --optimizer adam --epsilon 0", 2, "--epsilon is '0'", "above 0"),
    Mistake("train good.csv --target y --weight-decay -1", 2, "--weight-decay is '-1'"),
    Mistake("train good.csv --target y --clip-norm 0", 2, "--clip-norm is '0'", "above 0"),
    Mistake("train good.csv --target y --dropout 1", 2, "--dropout is '1'", "below 1"),
    Mistake("train good.csv --target y --schedule step:0:1", 2, "--schedule is 'step:0:1'", "step:EPOCHS:FACTOR"),
    Mistake("train good.csv --target y --initializer glorot", 2, "--initializer is 'glorot'", "xavier"),
    Mistake("train good.csv --initializer he --initial-model model.st", 2, "--initializer", "--initial-model"),
    Mistake("train good.csv --target y --micro-batch 300", 2, "--micro-batch is '300'", "256"),
    Mistake("train good.csv --target y --patience 3", 2, "--patience needs --validation"),
    Mistake("train good.csv --target y --patience 0 --validation 0.5", 2, "--patience is '0'"),
    Mistake("train good.csv --target y --validation 1", 2, "--validation is '1'", "below 1"),
    Mistake("train good.csv --target y --validation 0.01", 1, "0.01", "3 rows"),
    Mistake(
      "train good.csv --target y --validation 0.5 --validation-data good.csv", 2, "--validation-data", "one of them"),
    Mistake("train good.csv --target y --validation-data none.csv", 1, "none.csv", "no such file"),
    Mistake("train good.csv --target y --validation-data other.csv", 1, "other.csv", "\"b\""),
    Mistake("train good.csv --target y --validation-data wide.csv --model wide.csv", 2, "--model", "overwrite"),
    Mistake("train good.csv --target y --sample-weights z", 1, "good.csv", "\"z\""),
    Mistake("train good.csv --target y --sample-weights y", 2, "--sample-weights", "\"y\"", "target"),
    Mistake("train classes.csv --target q --sample-weights p", 1, "classes.csv, line", "weight is -1", "at least 0"),
    Mistake("train good.csv --target y --class-weights 1", 2, "--class-weights is '1'", "balanced"),
    Mistake("train good.csv --target y --class-weights a=1,a=2", 2, "--class-weights is"),
    Mistake("train good.csv --target y --class-weights a=-1", 2, "--class-weights is"),
    Mistake("train good.csv --target y --class-weights balanced", 2, "--class-weights", "--loss"),
    Mistake("train good.csv --target y --checkpoint none/c", 1, "none/c", "folder does not exist"),
    Mistake("train good.csv --target y --checkpoint c --checkpoint-every 0", 2, "--checkpoint-every is '0'"),
    Mistake("train good.csv --target y --checkpoint c --resume", 1, "c: there is no checkpoint to resume from"),
    Mistake("train good.csv --target y --checkpoint model.st --resume", 1, "model.st", "no checkpoint"),
    Mistake("train good.csv --target y --checkpoint other.csv", 1, "other.csv is there already"),
    Mistake("train good.csv --target y --resume", 2, "--resume needs --checkpoint"),
    Mistake("train good.csv --target y --checkpoint out --model out", 2, "--model", "--checkpoint"),
    Mistake("inspect none.st", 1, "none.st", "no such file"),
    Mistake("inspect noise.st", 1, "noise.st"),
    Mistake("inspect cut.st", 1, "cut.st"),
    Mistake("inspect gradients.st", 1, "gradients.st", "gradients"),
    Mistake("inspect", 2, "MODEL is missing"),
    Mistake("reproduce model.st --data good.csv", 1, "model.st", "no recipe"),
    Mistake("reproduce none.st --data good.csv", 1, "none.st", "no such file"),
    Mistake(
      "train good.csv --target y --batch-size 0 --model out", 2, "--batch-size is '0'", "whole number of at least 1"),
    Mistake("train good.csv --target y --learning-rate nan --model out", 2, "--learning-rate is 'nan'"),
    Mistake("train good.csv --target y --learning-rate inf --model out", 2, "--learning-rate is 'inf'"),
    Mistake("train good.csv --target y --learning-rate -1 --model out", 2, "--learning-rate is '-1'"),
    Mistake("train good.csv --target y --learning-rate 1e60 --model out", 2, "--learning-rate is 1e+60", "inf", "f32"),
    Mistake("train good.csv --target y --learning-rate 1e-60 --model out", 2, "--learning-rate is 1e-60", "0.0", "f32"),
    Mistake("train good.csv --target y --optimizer adam --epsilon 1e-60 --model out", 2, "--epsilon is 1e-60", "f32"),
    Mistake("train good.csv --target y --optimizer rmsprop --epsilon 1e60 --model out", 2, "--epsilon is 1e+60", "f32"),
    Mistake(
      "train good.csv --target y --optimizer adamw --betas 0.9,0.999999999 --model out", 2, "--betas is 0.999999999",
      "must not become 1.0"),
    Mistake(
      "train good.csv --target y --optimizer momentum --momentum 0.999999999 --model out", 2, "--momentum is", "1.0"),
    Mistake(
      "train good.csv --target y --optimizer rmsprop --smoothing 0.999999999 --model out", 2, "--smoothing is", "1.0"),
    Mistake("train good.csv --target y --weight-decay 1e60 --model out", 2, "--weight-decay is 1e+60", "inf"),
    Mistake("train good.csv --target y --weight-decay 1e-60 --model out", 2, "--weight-decay is 1e-60", "0.0"),
    Mistake("train good.csv --target y --clip-norm 1e-60 --model out", 2, "--clip-norm is 1e-60", "0.0"),
    Mistake("train good.csv --target y --clip-norm 1e60 --model out", 2, "--clip-norm is 1e+60", "inf"),
    Mistake("train good.csv --target y --epochs 3 --epochs 5 --model out", 2, "--epochs is given twice"),
    Mistake("train good.csv --target y --seed x --model out", 2, "--seed is 'x'"),
    Mistake("train good.csv --target y --shuffle maybe --model out", 2, "--shuffle is 'maybe'"),
    Mistake("train good.csv --target y --threads 0 --model out", 2, "--threads is '0'"),
    Mistake("train good.csv --target y --threads 1000000 --model out", 2, "--threads is '1000000'"),
    Mistake("train good.csv --target y --precision f16 --model out", 2, "--precision is 'f16'"),
    Mistake("train good.csv --target y --backend gpu --model out", 2, "--backend is 'gpu'"),
  ]

  private static let targets = [
    Mistake("train good.csv --target y --loss bce --model out", 1, "good.csv, line 2, column \"y\"", "between 0 and 1"),
    Mistake(
      "train classes.csv --target p,q --loss bce --model out", 1, "classes.csv, line 6, column \"p\"", "is -1.0", "bce"),
    Mistake(
      "train classes.csv --target p,q --loss cross-entropy --model out", 1,
      "classes.csv, line 5, columns \"p\", \"q\"", "sum to 1.1"),
    Mistake("evaluate model.st good.csv --loss bce", 1, "good.csv, line 2, column \"y\"", "between 0 and 1"),
    Mistake("gradients model.st good.csv --loss bce -o out", 1, "good.csv, line 2, column \"y\"", "between 0 and 1"),
  ]

  private static let initialModels = [
    Mistake("train good.csv --target y --initial-model none.st --model out", 1, "none.st", "no such file"),
    Mistake(
      "train good.csv --initial-model model.st --hidden 4 --model out", 2, "--hidden is 4", "model.st are 3"),
    Mistake(
      "train good.csv --initial-model model.st --activation tanh --model out", 1, "model.st", "relu", "tanh"),
    Mistake("train wide.csv --initial-model model.st --model out", 1, "wide.csv", "model.st", "\"c\""),
    Mistake("train other.csv --initial-model model.st --model out", 1, "other.csv", "model.st", "\"b\" is missing"),
    Mistake(
      "train wide.csv --target c,y --initial-model model.st --model out", 1, "2 columns", "model.st has 1 output"),
    Mistake("train good.csv --target b --initial-model model.st --model out", 1, "\"b\"", "model.st", "as input"),
    Mistake("train good.csv --target y --initial-model bare.st --model out", 1, "bare.st", "--activation"),
    Mistake("train good.csv --initial-model bare.st --activation relu --model out", 2, "--target", "bare.st"),
    Mistake(
      "train wide.csv --target y --initial-model bare.st --activation relu --model out", 1, "wide.csv", "3 columns",
      "bare.st takes 2 inputs"),
    Mistake("train good.csv --initial-model infinite.st --model out", 1, "infinite.st", "NaN or infinite"),
    Mistake("train good.csv --initial-model gradients.st --model out", 1, "gradients.st", "gradients"),
    Mistake("train good.csv --initial-model model.st --standardize --model out", 2, "--standardize", "model.st"),
    Mistake("train wide.csv --initial-model model.st --features a --model out", 1, "--features", "model.st", "\"b\""),
  ]

  /// Outputs that are inputs, under their own name or another.
  private static let overwriting = [
    Mistake("train good.csv --target y --model good.csv", 2, "--model", "would overwrite an input"),
    Mistake("train good.csv --target y --model link.csv", 2, "--model", "would overwrite the input"),
    Mistake("predict model.st good.csv -o good.csv", 2, "--output", "would overwrite an input"),
    Mistake("predict model.st good.csv -o model.st", 2, "--output", "would overwrite an input"),
    Mistake("predict model.st link.csv -o hard.csv", 2, "--output", "would overwrite the input"),
    Mistake("gradients model.st good.csv -o model.st", 2, "--output", "would overwrite an input"),
    Mistake("train good.csv --initial-model model.st --model model.st", 2, "--model", "would overwrite an input"),
    Mistake("train good.csv --target y --checkpoint hard.csv", 2, "--checkpoint", "would overwrite the input"),
    Mistake("export model.st --c new.st --onnx dangling.st", 2, "--c", "--onnx", "are the same file"),
    Mistake("train good.csv --target y --model new.st --checkpoint dangling.st", 2, "--model", "are the same file"),
    Mistake("train good.csv --target y --model new.st --checkpoint ./new.st", 2, "--model", "are the same file"),
    Mistake("train good.csv --target y --model new.pt", 2, "--model new.pt", "ends in .safetensors"),
    Mistake("export model.st --c new.py", 2, "--c new.py", "ends in .c"),
    Mistake("gradients model.st good.csv -o new.CSV", 2, "--output new.CSV", "ends in .safetensors"),
    Mistake("train good.csv --target y --model -", 2, "--model -", "standard output"),
    Mistake("train good.csv --target y --checkpoint -", 2, "--checkpoint -", "standard output"),
    Mistake("train - --target y --labels - --model out", 2, "standard input", "once"),
    Mistake("train - --target y --validation-data /dev/stdin --model out", 2, "standard input", "once"),
    Mistake("evaluate model.st - --labels -", 2, "standard input", "once"),
  ]

  private static let models = [
    Mistake("predict", 2, "MODEL is missing", "see `lockstep predict --help`"),
    Mistake("predict model.st", 2, "DATA is missing"),
    Mistake("predict none.st good.csv -o out", 1, "none.st", "no such file"),
    Mistake("predict . good.csv -o out", 1, "folder"),
    Mistake("predict good.csv model.st -o out", 1, "good.csv", "not a safetensors file", "\"a,b,y\\n1,\"", "MODEL"),
    Mistake("inspect archive.st", 1, "archive.st", "zip archive", "safetensors.torch.save_file"),
    Mistake("predict array.st good.csv", 1, "array.st", "but an array", "MODEL"),
    Mistake("train model.st --target y --model out", 1, "model.st", "a model file", "name data here"),
    Mistake("predict empty.csv good.csv -o out", 1, "empty.csv", "0 bytes"),
    Mistake("predict noise.st good.csv -o out", 1, "noise.st"),
    Mistake("predict cut.st good.csv -o out", 1, "cut.st", "tensor \"2.bias\"", "only"),
    Mistake("predict long.st good.csv -o out", 1, "long.st", "after the last tensor"),
    Mistake("predict claims.st good.csv -o out", 1, "claims.st", "claims 65535 bytes"),
    Mistake("predict overlap.st good.csv -o out", 1, "overlap.st", "tensor \"0.bias\"", "inside the tensor before it"),
    Mistake("predict half.st good.csv -o out", 1, "half.st", "tensor \"0.", "F16"),
    Mistake("predict no-layers.st good.csv -o out", 1, "no-layers.st", "no layers"),
    Mistake("predict gradients.st good.csv -o out", 1, "gradients.st", "gradients"),
    Mistake("predict bare.st good.csv -o out", 1, "bare.st", "--activation"),
    Mistake("predict bare.st good.csv --activation relu -o out", 1, "good.csv", "3 columns", "bare.st takes 2 inputs"),
    Mistake(
      "predict model.st other.csv -o out", 1, "other.csv", "the column \"b\" is missing", "model.st",
      "--features may name 2"),
    Mistake("predict model.st wide.csv --features b,c -o out", 1, "--features", "model.st", "\"a\", \"b\""),
    Mistake(
      "predict model.st capital.csv -o out", 1, "column \"b\" is missing", "\"B\" may be \"b\" in another spelling"),
    Mistake("predict model.st text.csv -o out", 1, "text.csv, line 3, column \"b\""),
    Mistake("predict model.st good.csv -o none/out", 1, "none/out"),
    Mistake("predict model.st good.csv --classes -o out", 2, "--classes", "model.st", "trained with mse"),
    Mistake("predict model.st good.csv --probabilities -o out", 2, "--probabilities", "model.st", "trained with mse"),
    Mistake("predict bare.st good.csv --activation relu --classes -o out", 2, "1 output", "--loss"),
    Mistake("predict bare.st good.csv --activation relu --probabilities -o out", 2, "1 output", "--loss"),
    Mistake(
      "predict bare.st good.csv --activation relu --probabilities --loss cross-entropy -o out", 2, "--probabilities",
      "1 output, trained with cross-entropy"),
    Mistake("predict bare.st good.csv --activation relu --features a -o out", 1, "1 column", "bare.st takes 2 inputs"),
    Mistake("predict model.st good.csv --activation tanh -o out", 1, "model.st", "relu", "tanh"),
    Mistake("evaluate bare.st good.csv --activation relu --loss mse", 2, "--target", "bare.st", "\"a\", \"b\", \"y\""),
    Mistake("evaluate model.st inputs.csv", 1, "inputs.csv", "no column \"y\"", "model.st", "--target", "--labels"),
    Mistake("evaluate model.st good.csv --features b,y --target y", 1, "--features"),
    Mistake("evaluate model.st wide.csv --features c,y --target y", 1, "\"y\"", "as input"),
    Mistake("evaluate bare.st good.csv --activation relu --target y", 2, "--loss", "bare.st"),
    Mistake("evaluate model.st other.csv", 1, "other.csv", "\"b\""),
    Mistake("evaluate model.st good.csv --target z", 1, "good.csv", "no column \"z\""),
    Mistake("evaluate model.st good.csv --target a", 1, "\"a\"", "as input"),
    Mistake("evaluate model.st good.csv --target y,b", 1, "2 columns", "1 output"),
    Mistake("evaluate model.st good.csv --loss cross-entropy", 2, "at least 2 targets"),
    Mistake("gradients model.st good.csv", 2, "--output", "missing"),
    Mistake("gradients model.st none.csv -o out", 1, "none.csv"),
    Mistake("gradients model.st good.csv -o none/out", 1, "none/out"),
    Mistake("gradients model.st good.csv --target z -o out", 1, "no column \"z\""),
  ]

  private static let exports = [
    Mistake("export", 2, "MODEL is missing", "see `lockstep export --help`"),
    Mistake("export model.st", 2, "--c or --onnx is missing"),
    Mistake("export none.st --c out", 1, "none.st", "no such file"),
    Mistake("export good.csv --c out", 1, "good.csv", "not a safetensors file"),
    Mistake("export gradients.st --c out", 1, "gradients.st", "gradients"),
    Mistake("export bare.st --c out", 1, "bare.st", "--activation"),
    Mistake("export model.st --activation tanh --c out", 1, "model.st", "relu", "tanh"),
    Mistake("export model.st --c none/out", 1, "none/out", "folder does not exist"),
    Mistake("export model.st --c .", 1, "folder"),
    Mistake("export model.st --c model.st", 2, "--c", "would overwrite an input"),
    Mistake("export model.st --c out --name 1st", 2, "--name is '1st'", "C identifier"),
    Mistake("export model.st --c out --name a-b", 2, "--name is 'a-b'"),
    Mistake("export model.st --c out --name double", 2, "--name is 'double'", "keyword"),
    Mistake("export model.st --c out --name=", 2, "--name is ''"),
    Mistake("export model.st good.csv --c out", 2, "one too many"),
  ]

  @Test func everyMistakeGetsOneSentenceAndNoOutput() throws {
    let folder = try TemporaryFolder()
    try writeFiles(folder)
    let names = Set(folder.names)
    for mistake in Self.tables + Self.trainOptions + Self.targets + Self.initialModels + Self.overwriting + Self.models
      + Self.exports
    {
      for more in [[], ["--json"]] {
        let result = try Tool.run(mistake.words + more, in: folder)
        #expect(result.exitCode == mistake.exitCode, "\(mistake): \(result.errors)")
        #expect(result.output == "", "\(mistake)")
        #expect(result.errors.hasPrefix("lockstep \(mistake.words[0]): "), "\(mistake): \(result.errors)")
        #expect(result.errors.hasSuffix("\n") && result.errors.filter { $0 == "\n" }.count == 1, "\(mistake)")
        for part in mistake.says { #expect(result.errors.contains(part), "\(mistake): \(result.errors)") }
        let written = Set(folder.names).subtracting(names)
        #expect(written.isEmpty, "\(mistake)")
        for name in written { try FileManager.default.removeItem(atPath: folder.file(name)) }
      }
    }
  }

  @Test func failureLeavesAnEarlierFileAsItWas() throws {
    let folder = try TemporaryFolder()
    try writeFiles(folder)
    try folder.write("out", "earlier")
    for words in [
      "train text.csv --target y --model out", "predict model.st text.csv -o out", "gradients model.st text.csv -o out",
    ] {
      let result = try Tool.run(words.split(separator: " ").map(String.init), in: folder)
      #expect(result.exitCode == 1)
      #expect(try String(contentsOfFile: folder.file("out"), encoding: .utf8) == "earlier")
    }
  }
}

extension Tool {
  /// Runs the tool with words that name files in a folder.
  fileprivate static func run(_ words: [String], in folder: TemporaryFolder) throws -> ToolResult {
    let files: Set<String> = ["out", "none/out", "."]
    return try run(
      words.enumerated().map { index, word in
        index > 0 && (files.contains(word) || word.hasSuffix(".csv") || word.hasSuffix(".st"))
          ? folder.file(word) : word
      })
  }
}
