#!/usr/bin/env bash
# One run on the GPUs of several machines: sbatch docs/slurm.sh --preset default --data /shared/cifar10-images
# What follows the script's name are options of `cifar-tui train`. The run is job-ID in runs/ of the folder where the
# first machine works; a job that is started again goes on with it. Before its time is up the job is told to save.
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

run="job-$SLURM_JOB_ID"
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
if [[ -e runs/$run/recipe.json ]]; then
    options=(--resume "$run")
else
    options=(--run-name "$run" "$@")
fi

srun torchrun --nnodes "$SLURM_NNODES" --nproc-per-node "$SLURM_GPUS_ON_NODE" --max-restarts 3 \
    --rdzv-id "$SLURM_JOB_ID" --rdzv-backend c10d --rdzv-endpoint "$first:${PORT:-29500}" \
    -m cifar_tui train "${options[@]}"
