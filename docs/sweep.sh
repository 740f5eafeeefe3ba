#!/usr/bin/env bash
# The sweep of docs/sweeps.md and its picture: 24 small runs on a CPU, with images from a folder {train,test}/<class>/.
# docs/sweep.sh IMAGES RUNS [PICTURE]; it starts no run that is there.
set -euo pipefail
images=$1 runs=$2 picture=${3:-docs/sweep.svg}
for rate in 0.025 0.1 0.4 1.6; do
    for schedule in constant cosine; do
        for seed in 0 1 2; do
            run=$runs/$schedule-$rate-$seed
            [ -e "$run" ] && continue
            cifar-tui train --headless --preset minutes --data "$images" --train-images 2000 --test-images 1000 \
                --width 8 --device cpu --lr "$rate" --schedule "$schedule" --seed "$seed" --outf "$run"
        done
    done
done
cifar-tui results "$runs" --svg "$picture" --force
