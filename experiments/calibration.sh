#!/bin/sh
# Remakes experiments/results/calibration.csv: sh experiments/calibration.sh FOLDER_OF_DATASETS [SEEDS]
# One seed takes about 10 minutes of processor time where the runs of the four methods are finished (experiments/main.yaml has
# them), and as much again where they are not; the calibrators are fitted each time.
set -eu
gzsl calibrate \
    eszsl/CUB127 eszsl/FLO89 ale/CUB127 ale/FLO89 cada-vae/CUB127 cada-vae/FLO89 lsrgan/CUB127 lsrgan/FLO89 \
    --data "$1" --seeds "${2:-1}" --device cpu --transfer all --csv experiments/results/calibration.csv \
    --with none --with stacking --with '{name: stacking, form: multiplicative}' --with '{name: stacking, form: zscored}' \
    --with max-prob --with entropy --with energy --with mahalanobis --with knn --with cooked \
    --with cosmo --with '{name: cosmo, own_seen_scores: true}' --with loki --with '{name: boundary-ood, n_epochs: 10}'
