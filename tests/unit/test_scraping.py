"""What is read from a console: lines as real scripts print them, with the points that they amount to."""

from __future__ import annotations

import math

import pytest

from gxt.capture.scraping import LONGEST, scrape

NAN = math.nan
# what one line gives: (the line, its step, its metrics)
METRICS: list[tuple[str, int, dict[str, float]]] = [
    # plain prints
    ("loss: 0.5", 0, {"loss": 0.5}),
    ("loss=0.5", 0, {"loss": 0.5}),
    ("loss = inf", 0, {"loss": math.inf}),
    ("Loss -> 0.25", 0, {"loss": 0.25}),
    ("loss: 1e+03", 0, {"loss": 1000.0}),
    ("loss: 1E-3", 0, {"loss": 0.001}),
    ("loss: -0.5.", 0, {"loss": -0.5}),
    ("acc: 93%", 0, {"acc": 0.93}),
    ("Accuracy: 98.7 %", 0, {"accuracy": 0.987}),
    ("Accuracy (%): 98.7", 0, {"accuracy": 0.987}),
    ("perplexity 1,234.5", 0, {"perplexity": 1234.5}),
    ("    loss: 0.5", 0, {"loss": 0.5}),
    ("lr: 1e-05", 0, {"lr": 1e-05}),
    ("train/loss: 0.4", 0, {"train/loss": 0.4}),
    ("val_mAP50-95: 0.41", 0, {"val_mAP50-95": 0.41}),
    ("step 10: loss 2.31", 10, {"loss": 2.31}),
    ("Epoch 1/5 - loss: 0.35 - acc: 0.9", 1, {"loss": 0.35, "acc": 0.9}),
    ("epoch=2 step=100 quality=0.83", 100, {"quality": 0.83}),
    ("Best val acc: 0.93 at epoch 7", 7, {"best_val_acc": 0.93}),
    ("Episode 100, total reward: 23.0", 100, {"total_reward": 23.0}),
    ("train: loss 0.5 acc 0.9 | val: loss 0.6 acc 0.8", 0, {
        "train_loss": 0.5, "train_acc": 0.9, "val_loss": 0.6, "val_acc": 0.8,
    }),
    ("Epoch 1 | Train Loss: 0.5 | Val. Loss: 0.6 |  Val. Acc: 88.1%", 1, {
        "train_loss": 0.5, "val_loss": 0.6, "val_acc": 0.881,
    }),
    ("tensor loss: tensor(0.5123, grad_fn=<NllLossBackward0>)", 0, {"loss": 0.5123}),
    ("{'loss': np.float64(0.25)}", 0, {"loss": 0.25}),
    # prefixes of loggers, colours
    ("2024-01-01 12:00:00 INFO loss: 0.5", 0, {"loss": 0.5}),
    ("[2024-01-01 12:00:00,123][__main__][INFO] - Epoch 1: loss 0.5", 1, {"loss": 0.5}),
    ("2024-01-01 12:00:00,123 - __main__ - INFO - Test loss: 0.5, accuracy: 0.9", 0, {
        "test_loss": 0.5, "test_accuracy": 0.9,
    }),
    ("INFO:root:loss=0.5", 0, {"loss": 0.5}),
    ("I0101 12:00:00.123456 1234 train.py:55] step 10, loss 0.5", 10, {"loss": 0.5}),
    ("[rank0]: loss: 0.5", 0, {"loss": 0.5}),
    ("\x1b[32mloss\x1b[0m: \x1b[1m0.5\x1b[0m", 0, {"loss": 0.5}),
    # pytorch/examples: mnist, imagenet, dcgan; tutorials: CIFAR, transfer learning
    ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.310000", 640, {"train_loss": 2.31}),
    ("Test set: Average loss: 0.0512, Accuracy: 9800/10000 (98%)", 0, {
        "test_average_loss": 0.0512, "test_accuracy": 0.98,
    }),
    ("Epoch: [0][  10/5005]\tTime  0.5 ( 0.6)\tData  0.0 ( 0.1)\tLoss 6.9e+00 (7.0e+00)\tAcc@1   0.10 (  0.10)", 10, {
        "loss": 6.9, "acc@1": 0.1,
    }),
    (" *   Acc@1 69.758 Acc@5 89.078", 0, {"acc@1": 69.758, "acc@5": 89.078}),
    ("[0/5][50/1583]\tLoss_D: 1.9\tLoss_G: 5.1", 50, {"loss_d": 1.9, "loss_g": 5.1}),
    ("[1,  2000] loss: 2.173", 2000, {"loss": 2.173}),
    ("Accuracy of the network on the 10000 test images: 54 %", 0, {"accuracy": 0.54}),
    ("val Loss: 0.2141 Acc: 0.9346", 0, {"val_loss": 0.2141, "val_acc": 0.9346}),
    ("Epoch [1/5], Step [100/600], Loss: 2.3012", 100, {"loss": 2.3012}),
    ("[Epoch 0/200] [Batch 10/938] [D loss: 0.69] [G loss: 0.70]", 10, {"d_loss": 0.69, "g_loss": 0.7}),
    # nanoGPT, llm.c, modded-nanogpt, mlx
    ("iter 100: loss 2.3, time 12.31ms, mfu 3.00%", 100, {"loss": 2.3, "mfu": 0.03}),
    ("step 250: train loss 1.9, val loss 2.0", 250, {"train_loss": 1.9, "val_loss": 2.0}),
    ("step 100 | loss: 3.2 | lr 1.0e-4 | norm: 0.53 | dt: 100.2ms | tok/sec: 1000.3", 100, {
        "loss": 3.2, "lr": 0.0001, "norm": 0.53,
    }),
    ("step:1000/10000 train_loss:3.2781 train_time:1000ms step_avg:10.5ms", 1000, {"train_loss": 3.2781}),
    ("Iter 500: Val loss 1.2, Val took 3.2s", 500, {"val_loss": 1.2}),
    # Keras, tqdm, Lightning
    ("938/938 ━━━━━━━━━━━━━━━━━━━━ 2s 2ms/step - accuracy: 0.8793 - loss: 0.4221", 938, {
        "accuracy": 0.8793, "loss": 0.4221,
    }),
    ("1875/1875 [==============================] - 3s 1ms/step - loss: 0.2979", 1875, {"loss": 0.2979}),
    ("469/469 - 2s - 4ms/step - accuracy: 0.91 - val_loss: 0.33", 469, {"accuracy": 0.91, "val_loss": 0.33}),
    ("Epoch 3:  45%|████▌     | 45/100 [00:03<00:04, 12.3it/s, loss=0.35, v_num=0]", 45, {"loss": 0.35}),
    # Hugging Face
    ("{'loss': 0.3, 'grad_norm': 1.5, 'learning_rate': 5e-05, 'epoch': 1.0}", 1, {
        "loss": 0.3, "grad_norm": 1.5, "learning_rate": 5e-05,
    }),
    ("{'eval_loss': '0.412', 'eval_accuracy': '0.91', 'eval_runtime': '1.5', 'epoch': '2'}", 2, {
        "eval_loss": 0.412, "eval_accuracy": 0.91,
    }),
    ('{"epoch": 1, "loss": NaN, "acc": 0.9}', 1, {"loss": NAN, "acc": 0.9}),
    # fairseq, timm, detectron2, mmengine
    ("2021-01-01 10:00:00 | INFO | train_inner | epoch 001:    100 / 1500 loss=5.1, nll_loss=3.2, ppl=9.19, num_updates=100, lr=1e-05, gnorm=2.3, clip=0, train_wall=30, wall=45", 100, {
        "train_loss": 5.1, "train_nll_loss": 3.2, "train_ppl": 9.19, "lr": 1e-05, "gnorm": 2.3,
    }),
    ("2021-01-01 10:00:00 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 4.2 | ppl 8.57 | num_updates 200",
     200, {"val_loss": 4.2, "val_ppl": 8.57}),
    ("Train: 0 [  50/1251 (  4%)]  Loss: 6.945 (6.95)  Time: 5.812s,  176.19/s  LR: 1.000e-06  Data: 3.264 (3.264)",
     50, {"train_loss": 6.945, "lr": 1e-06}),
    ("Test: [  48/48]  Time: 0.116 (0.329)  Loss:   0.9004 ( 1.0271)  Acc@1:  78.5156 ( 76.1340)", 0, {
        "test_loss": 0.9004, "test_acc@1": 78.5156,
    }),
    ("[01/01 12:00:00 d2.utils.events]:  eta: 0:10:23  iter: 19  total_loss: 1.5  loss_box_reg: 0.3  time: 0.3512  data_time: 0.0123  lr: 1.6068e-05  max_mem: 2514M", 19, {
        "total_loss": 1.5, "loss_box_reg": 0.3, "lr": 1.6068e-05,
    }),
    ("2024/01/01 12:00:00 - mmengine - INFO - Epoch(train)  [1][  50/3665]  lr: 1.0000e-03  eta: 12:00:00  time: 0.3  data_time: 0.01  memory: 3000  loss: 2.3  acc: 88.2", 50, {
        "lr": 0.001, "train_loss": 2.3, "train_acc": 88.2,
    }),
    # gradient boosting, scikit-learn, stable-baselines
    ("[10]\tvalidation_0-logloss:0.45\tvalidation_1-auc:0.93", 10, {
        "validation_0-logloss": 0.45, "validation_1-auc": 0.93,
    }),
    ("[10]\tvalid_0's binary_logloss: 0.45\tvalid_0's auc: 0.9", 10, {
        "valid_0_binary_logloss": 0.45, "valid_0_auc": 0.9,
    }),
    ("7:\tlearn: 0.68\ttest: 0.69\tbest: 0.68 (0)\ttotal: 50ms\tremaining: 50s", 7, {
        "learn": 0.68, "test": 0.69, "best": 0.68,
    }),
    ("Mean squared error: 25.41", 0, {"mean_squared_error": 25.41}),
    ("R2 score: 0.81", 0, {"r2_score": 0.81}),
    ("ROC AUC: 0.93", 0, {"roc_auc": 0.93}),
    ("    accuracy                           0.97        30", 0, {"accuracy": 0.97}),
    ("|    ep_rew_mean     | 22.8     |", 0, {"ep_rew_mean": 22.8}),
]  # fmt: skip
NOTHING = [
    "",
    "0.93",
    "url: 3.4",
    "x = 0.410",
    "port: 8080",
    "seed: 0.5",
    "time: 3.2",
    "memory: 3.2 GB",
    "size: 3.4 MB",
    "batch size: 32",
    "epochs: 10",
    "exit code: 0",
    "torch version: 2.13.0",
    "Python 3.11.7",
    "Finished on 2024-01-01",
    "loss at 12:30:00",
    "loss: 2024-01-01",
    "accuracy 1.2.3",
    "elapsed 3.5 s",
    "loss took 3.5s",
    "Epoch 1: done in 3.5s",
    "Epoch 1/5",
    "Training complete in 1m 3s",
    "Epoch 00001: val_loss improved from inf to 0.35463, saving model to model.h5",
    "saved ckpt/epoch=1-val_loss=0.35.ckpt",
    "http://localhost:8080/?loss=0.5",
    "192.168.0.1 loss",
    "Namespace(lr=0.01, epochs=10, loss_weight=0.5)",
    "+ python train.py --loss=0.5",
    "usage: train.py [--loss LOSS] loss=0.5",
    "loss_weight: 0.5",
    "    loss = 0.5 * x",
    "return 0.5 * loss",
    "Error: 404 not found",
    "win 10",
    "map: 3",
    "loss 3 checkpoints kept",
    "accuracy improved by 3 points",
    "Accuracy for class: plane is 57.3 %",
    "Downloading: 45%|███ | 45/100 [00:01<00:01, 33MB/s]",
    "Validation: 100%|██████████| 20/20",
    "[rank1]: loss: 0.5",
    "[default3]:loss: 0.5",
    f"{'x' * LONGEST} loss: 0.5",
]


def read(*lines: str) -> list[tuple[int, dict[str, float]]]:
    return [(point.step, point.values) for point in scrape(enumerate(lines))]


@pytest.mark.parametrize(("line", "step", "metrics"), METRICS, ids=[line[:60] for line, *_ in METRICS])
def test_a_line_gives_its_metrics_at_its_step(line: str, step: int, metrics: dict[str, float]) -> None:
    assert repr(read(line)) == repr([(step, metrics)])  # by repr, for NaN is not itself


@pytest.mark.parametrize("line", NOTHING)
def test_what_is_no_metric_is_left_alone(line: str) -> None:
    assert read(line) == []


def test_a_point_has_the_time_of_its_line() -> None:
    (point,) = scrape([(5, "hello"), (7, "loss: 0.5")])
    assert point == (7, 0, {"loss": 0.5})


def test_batches_are_counted_on_through_the_epochs() -> None:
    assert read("[1, 100] loss: 3.0", "[1, 200] loss: 2.0", "[2, 100] loss: 1.0", "[2, 200] loss: 0.5") == [
        (100, {"loss": 3.0}),
        (200, {"loss": 2.0}),
        (300, {"loss": 1.0}),
        (400, {"loss": 0.5}),
    ]
    assert read("Epoch 1, step 100, loss 0.5", "Epoch 2, step 200, loss 0.4", "Epoch 2: val_acc 0.5") == [
        (100, {"loss": 0.5}),
        (200, {"loss": 0.4}),
        (200, {"val_acc": 0.5}),
    ]


def test_what_names_no_step_stands_at_the_last_one() -> None:
    assert read(
        "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.3",
        "Train Epoch: 1 [59520/60000 (99%)]\tLoss: 0.3",
        "",
        "Test set: Average loss: 0.05, Accuracy: 9800/10000 (98%)",
        "Train Epoch: 2 [0/60000 (0%)]\tLoss: 0.2",
    ) == [
        (0, {"train_loss": 2.3}),
        (59520, {"train_loss": 0.3}),
        (59520, {"test_average_loss": 0.05, "test_accuracy": 0.98}),
        (60000, {"train_loss": 0.2}),
    ]


def test_a_name_that_comes_again_is_a_step_further_where_no_step_is_told() -> None:
    lines = ("train loss: 0.5", "val loss: 0.6", "train loss: 0.4", "val loss: 0.5", "best val loss: 0.5")
    assert [step for step, _ in read(*lines)] == [0, 0, 1, 1, 0]


def test_epochs_whose_lines_are_not_kept_are_counted() -> None:
    assert [step for step, _ in read("Epoch 1 [9/10] loss: 3.0", "Epoch 5 [4/10] loss: 1.0")] == [9, 44]


def test_bars_of_keras_stand_in_the_epoch_above_them() -> None:
    assert read(
        "Epoch 1/2",
        "469/938 ━━━ 1s 2ms/step - loss: 0.9",
        "938/938 ━━━━━ 2s 2ms/step - loss: 0.5",
        "938/938 ━━━━━ 2s 2ms/step - loss: 0.5 - val_loss: 0.4",
        "Epoch 2/2",
        "938/938 ━━━━━ 2s 2ms/step - loss: 0.3 - val_loss: 0.2",
    ) == [
        (469, {"loss": 0.9}),
        (938, {"loss": 0.5}),
        (938, {"loss": 0.5, "val_loss": 0.4}),
        (1876, {"loss": 0.3, "val_loss": 0.2}),
    ]


def test_each_bar_of_tqdm_is_a_pass_and_that_of_a_validation_is_none() -> None:
    bar = "100%|██| 10/10 [00:03<00:00, 3it/s, loss=0.5]"
    validation = "Validation: 100%|██| 2/2 [00:03<00:00, 3it/s, val_loss=0.4]"
    assert [step for step, _ in read(bar, validation, bar, validation)] == [10, 10, 20, 20]


def test_a_bar_without_a_metric_tells_no_step() -> None:
    download = "Map: 100%|██████████| 1000/1000 [00:00<00:00, 9999.30 examples/s]"
    assert [step for step, _ in read("Epoch 1: loss 0.5", download, "Epoch 2: loss 0.4")] == [1, 2]


def test_epochs_in_fractions_are_kept_and_counted() -> None:
    assert read(
        "{'loss': 0.5, 'epoch': 0.5}",
        "{'loss': 0.4, 'epoch': 1.0}",
        " 50%|█████     | 8/16 [00:00<00:00, 100.30it/s]",
        "{'eval_loss': 0.4, 'epoch': 1.0}",
        "{'loss': 0.3, 'epoch': 1.5}",
    ) == [
        (1, {"loss": 0.5, "epoch": 0.5}),
        (2, {"loss": 0.4, "epoch": 1.0}),
        (2, {"eval_loss": 0.4, "epoch": 1.0}),
        (3, {"loss": 0.3, "epoch": 1.5}),
    ]


def test_the_code_in_a_traceback_is_no_metric() -> None:
    assert (
        read(
            "Traceback (most recent call last):",
            '  File "x.py", line 3, in <module>',
            "    loss = 0.5",
            "Oops",
        )
        == []
    )


def test_groups_of_own_patterns_are_metrics_and_steps() -> None:
    own = [
        {"step": "5", "quality": "0.5"},
        {"name": "strange", "value": "50%", "epoch": "6"},
        {"quality": "much", "step": "nan", "epoch": "inf"},
        None,
    ]
    lines = [(0, "a"), (1, "b"), (2, "loss: 0.5"), (3, "loss: 0.5")]
    assert [point[1:] for point in scrape(lines, own)] == [
        (5, {"quality": 0.5}),
        (5, {"strange": 0.5}),
        (5, {"loss": 0.5}),
    ]


HOSTILE = [
    "a ",
    "a-",
    "a.b/",
    "loss: ",
    "x: 1, ",
    "[1/",
    "1",
    "1,111",
    "- : ",
    "val's ",
    "2024-01-01 ",
    "|",
    "epoch ",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_costs_much(text: str) -> None:
    """A count of steps of the regular expressions is not to be had: a line that explodes would never end."""
    assert len(read(*[text * LONGEST] * 3)) <= 3
